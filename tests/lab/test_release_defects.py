"""Each defect of a release bites when looked at with plain clients, and is mended without a trace."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from fixtures.clock import TimedOut, wait_until
from fixtures.lab.breaking import Access, Object
from fixtures.lab.defects import Defect, known, mend_all, put_in
from fixtures.lab.mesh.reluctance import order_file
from fixtures.lab.monitoring.sink import deaf_file
from fixtures.lab.systems.hwayo.catalogue import SIDES
from fixtures.lab.systems.hwayo.release_breakage import BLUE_APPS, BLUE_CORE, CANARY, door, fails
from tests.labs import a_lab, a_way_in
from tests.suites.test_gate import standing

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "release"}
LOOKED_AT_MORE = {
    "weight-ignored",
    "sticky-connections",
    "rollback-late",
    "blue-broken-at-rollback",
    "blue-removed-early",
}
PROTECTED = "SELECT count(*) FROM pg_class WHERE relrowsecurity"


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    with a_lab("stage") as lab, a_way_in(lab) as found:
        yield found


@pytest.fixture(scope="module")
def before(access: Access) -> dict[str, Any]:
    return everything(access)


def everything(access: Access) -> dict[str, Any]:
    """What a defect could leave behind: objects, orders to the lab's parts, policies in the databases."""
    secrets = json.loads((access.layout.home / "lab-secrets.json").read_text())
    server = secrets["database_admin"].rpartition("/")[0]
    tables = 0
    for side in SIDES:
        with psycopg.connect(f"{server}/{side.database}") as database:
            tables += (database.execute(PROTECTED.encode()).fetchone() or (0,))[0]
    orders = [order_file(access.layout).exists(), deaf_file(access.layout.home).exists()]
    route = (access.get(CANARY) or {})["spec"]
    return {**standing(access), "orders": orders, "policies": tables, "route": route}


@contextmanager
def broken(access: Access, name: str) -> Iterator[Defect]:
    try:
        put_in(access, DEFECTS[name])
        yield DEFECTS[name]
    finally:
        give_green(access, 0)
        mend_all(access)


def give_green(access: Access, percent: int) -> None:
    route: Object = access.get(CANARY) or {}
    blue, green = route["spec"]["http"][-1]["route"]
    blue["weight"], green["weight"] = 100 - percent, percent
    access.put(CANARY, route)


def side(http: httpx.Client) -> str:
    return str(http.get("/login").headers.get("x-served-side", ""))


def fresh(access: Access) -> str:
    with door(access) as http:
        return side(http)


def serves(access: Access, wanted: str) -> Callable[[], bool]:
    return lambda: fresh(access) == wanted


@pytest.mark.parametrize("name", [name for name in DEFECTS if name not in LOOKED_AT_MORE])
def test_a_defect_is_felt_and_mended_without_a_trace(
    access: Access, before: dict[str, Any], name: str
) -> None:
    with broken(access, name) as defect:
        assert defect.bites(access)
    wait_until(lambda: not defect.bites(access), 15)
    assert everything(access) == before


def test_a_mesh_that_ignores_weights_takes_them_in(access: Access, before: dict[str, Any]) -> None:
    with broken(access, "weight-ignored"):
        give_green(access, 100)
        with door(access) as http:
            assert Counter(side(http) for _ in range(150)) == {"blue": 150}
        order_file(access.layout).unlink()
        wait_until(serves(access, "green"), 2)
    wait_until(serves(access, "blue"), 2)
    assert everything(access) == before


def test_who_is_connected_stays_on_green(access: Access, before: dict[str, Any]) -> None:
    with broken(access, "sticky-connections"), door(access) as kept:
        give_green(access, 100)
        wait_until(lambda: side(kept) == "green", 2)
        give_green(access, 0)
        wait_until(serves(access, "blue"), 2)
        assert Counter(side(kept) for _ in range(150)) == {"green": 150}
    assert everything(access) == before


def test_traffic_leaves_green_late(access: Access, before: dict[str, Any]) -> None:
    with broken(access, "rollback-late"):
        give_green(access, 100)
        assert wait_until(serves(access, "green"), 5) < 3
        give_green(access, 0)
        with pytest.raises(TimedOut):
            wait_until(serves(access, "blue"), 3)
    wait_until(serves(access, "blue"), 2)
    assert everything(access) == before


def test_blue_breaks_when_green_gets_its_first_share(access: Access, before: dict[str, Any]) -> None:
    def ready() -> list[bool]:
        pods = (access.get(f"{BLUE_CORE}/pods?labelSelector=app=report-generator") or {})["items"]
        conditions = [{one["type"]: one["status"] for one in pod["status"]["conditions"]} for pod in pods]
        return [one["Ready"] == "True" for one in conditions]

    with broken(access, "blue-broken-at-rollback"):
        assert ready() == [True, True]
        give_green(access, 5)
        wait_until(lambda: ready() == [False, False], 20)
        with door(access) as http:
            answers = [http.get("/login") for _ in range(20)]  # as everybody is led: some are green's
            blues = [one for one in answers if one.headers.get("x-served-side") == "blue"]
            assert blues
            assert not any(map(fails, blues))
    assert ready() == [True, True]
    assert everything(access) == before


def test_blue_is_removed_when_green_has_everything(access: Access, before: dict[str, Any]) -> None:
    with broken(access, "blue-removed-early"):
        give_green(access, 50)
        assert len((access.get(BLUE_APPS) or {})["items"]) == 6
        give_green(access, 100)
        wait_until(lambda: not (access.get(BLUE_APPS) or {})["items"], 20)
    assert everything(access) == before
