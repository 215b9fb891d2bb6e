"""On a whole lab every fault bites, by what is seen elsewhere than where it was put in; and leaves it as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from fixtures.clock import wait_until
from fixtures.evidence import NoEvidence, Unsupported
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from fixtures.platforms.changes import Changes
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target.faults import AnyFault
from scenarios.faults.catalogue import kinds, made, name_of
from scenarios.faults.healing import marks
from scenarios.faults.radius import BlastRadius
from scenarios.faults.rehearsal import rehearsed
from scenarios.faults.site import Fault, Site, essence
from scenarios.surroundings import Surroundings

WELL_S = 60.0
FAULTS: list[dict[str, Any]] = [
    {"fault": "errors", "service": "auth-service", "share": "100%", "status": 503},
    {"fault": "errors", "service": "api-gateway", "share": "100%", "status": 500},
    {"fault": "delay", "service": "workflow-engine", "by": "500ms", "share": "100%"},
    {"fault": "partition", "service": "report-generator", "from": "api-gateway"},
    {"fault": "store-partition", "service": "auth-service", "store": "database"},
    {"fault": "store-partition", "service": "workflow-engine", "store": "cache"},
    {"fault": "configured", "service": "auth-service", "config": "auth-service-behaviour",
     "values": {"login_fails": "1"}, "felt": "login_success"},
    {"fault": "cache-emptied", "service": "auth-service"},
    {"fault": "cache-stopped", "service": "auth-service"},
    {"fault": "queue-flooded", "service": "report-generator", "queue": "queue:reports", "job": "-1",
     "jobs": 20000, "felt": "queue_length"},
    {"fault": "database-stopped", "service": "auth-service"},
    {"fault": "connections-exhausted", "service": "auth-service"},
    {"fault": "database-slowed", "service": "auth-service", "by": "1s"},
    {"fault": "cpu-stress", "service": "report-generator", "load": "100%"},
    {"fault": "memory-stress", "service": "web-app", "fill": "90%"},
    {"fault": "clock-skew", "service": "auth-service", "by": "10m", "back": True},
    {"fault": "health-failing", "service": "auth-service"},
    {"fault": "canary", "service": "api-gateway", "share": "20%"},
    {"fault": "certificate-expired", "service": "api-gateway", "gateway": "hwayo-own"},
    {"fault": "teams-own", "service": "report-generator", "manifest": "hwayo/chaos-report-generator.yaml"},
    {"fault": "pod-kill", "service": "web-app"},
    {"fault": "all-pods-killed", "service": "web-app"},
    {"fault": "scale-to-zero", "service": "notification-service"},
    {"fault": "bad-image", "service": "web-app"},
    {"fault": "secret-missing", "service": "report-generator"},
    {"fault": "crash-loop", "service": "notification-service"},
    {"fault": "node-drained", "service": "auth-service"},
    {"fault": "node-lost", "service": "auth-service"},
]  # fmt: skip
# On the lab only in the long run: test_stores tries those of the stores, test_stress those of Chaos Mesh, for less.
LONG = {"cache-stopped", "queue-flooded", "database-stopped", "connections-exhausted", "database-slowed",
        "cpu-stress", "memory-stress", "clock-skew", "teams-own", "health-failing", "canary"}  # fmt: skip
# Of these another is put into another service in the same way.
TWICE = {"errors-api-gateway", "store-partition-workflow-engine-cache", "all-pods-killed-web-app"}
NOT_HERE: dict[str, tuple[dict[str, str], str]] = {  # the lab has nobody who does it
    "dns-failing": ({}, "of Chaos Mesh is not installed"),
    "network-cut": ({"network": "back", "from": "api-gateway"}, "inside"),
}


@contextmanager
def logins(around: Surroundings) -> Iterator[None]:
    """People who sign in, over and over."""
    over = threading.Event()
    body = {"username": around.credential("user"), "password": around.credential("password")}

    def go_on() -> None:
        while not over.wait(0.2):
            try:
                around.http.post("/api/v1/auth/login", json=body)
            except httpx.HTTPError:
                continue

    around.http.get("/health")  # opened here, and used there
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def state(objects: Changes) -> dict[str, Any]:
    """Everything that faults may touch, but for pods, which come and go."""
    return {
        f"{kind} {one['metadata'].get('namespace', '')}/{one['metadata']['name']}": essence(one)
        for kind in objects.change_kinds()
        if kind != "Pod"
        for one in objects.list_objects(kind)
    }


def identity(one: dict[str, Any]) -> str:
    return "-".join(str(value) for key, value in one.items() if key in ("fault", "service", "store"))


def is_calm(fault: Fault) -> bool:
    try:
        return not fault.effect()
    except NoEvidence:
        return True


def is_long(one: dict[str, Any]) -> bool:
    return one["fault"] in LONG or identity(one) in TWICE


@pytest.mark.lab
@pytest.mark.parametrize(
    "told",
    [pytest.param(one, marks=pytest.mark.long if is_long(one) else ()) for one in FAULTS],
    ids=identity,
)
def test_a_fault_bites_and_leaves_the_lab_as_it_was(
    told: dict[str, Any], around: Surroundings, site: Site, access: Access, everything: Kubernetes
) -> None:
    wait_until(lambda: is_well(access), WELL_S)
    before = state(everything)
    fault = made(TypeAdapter(AnyFault).validate_python(told), around)
    with logins(around):
        if told["fault"] == "configured":  # seen by what users felt, which outlasts the fault before
            wait_until(lambda: is_calm(fault), WELL_S)
        with site.inject(fault, BlastRadius(at_most=30)) as injection:
            assert injection.effect
            kept = [act for act in injection.plan.acts if act.as_json()["act"] != "remove"]
            assert len(marks(site.hands.objects)) == len(kept)
    print(f"bit after {injection.bit - injection.began:.1f} s: {injection.effect}; "
          f"over after {injection.healed - injection.healing:.1f} s")  # fmt: skip
    wait_until(lambda: state(everything) == before, 5)
    assert injection.touched_by_others == []
    assert marks(site.hands.objects) == site.ledger.entries() == []


@pytest.mark.lab
def test_a_rehearsal_touches_nothing_and_refuses_none_of_hwayos(
    around: Surroundings, access: Access, everything: Kubernetes
) -> None:
    wait_until(lambda: is_well(access), WELL_S)
    before = state(everything)
    told = list(rehearsed(around))
    assert len(told) >= 8
    assert [said for _, said, could in told if not could] == []
    assert all("felt by" in said for _, said, _ in told)
    assert state(everything) == before


def test_every_kind_is_tried_on_the_lab() -> None:
    assert {name_of(kind) for kind in kinds()} == {one["fault"] for one in FAULTS} | set(NOT_HERE)


@pytest.mark.lab
@pytest.mark.parametrize("name", sorted(NOT_HERE))
def test_what_the_lab_cannot_do_is_said_and_not_done(name: str, around: Surroundings, site: Site) -> None:
    more, words = NOT_HERE[name]
    told = {"fault": name, "service": "auth-service", **more}
    with (
        pytest.raises(Unsupported, match=words),
        site.inject(made(TypeAdapter(AnyFault).validate_python(told), around), BlastRadius(at_most=30)),
    ):
        pass
    assert marks(site.hands.objects) == site.ledger.entries() == []


def test_the_catalogue_page_is_what_the_faults_declare() -> None:
    from scenarios.faults.catalogue import page

    docs = Path(__file__).resolve().parents[2] / "docs" / "faults-catalogue.md"
    assert docs.read_text() == page(), "python -m scenarios.faults.catalogue > docs/faults-catalogue.md"
