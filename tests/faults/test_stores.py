"""Faults of the stores on real ones: they bite who connects anew, spare the other side, leave all as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from aiohttp.test_utils import TestClient, TestServer
from pydantic import TypeAdapter

from fixtures.clock import wait_until
from fixtures.evidence import Missing
from fixtures.lab.layout import Layout
from fixtures.lab.monitoring.exporter import Exporter
from fixtures.ledger import Entry, Runner, now
from fixtures.target.faults import AnyFault
from scenarios.faults.catalogue import made
from scenarios.faults.healing import Healer, marks
from scenarios.faults.radius import BlastRadius, Forbidden
from scenarios.faults.site import Fault
from tests import loops
from tests.faults import small
from tests.faults.shelf import Killed
from tests.faults.small import Cluster, On
from tests.subnets import kept

URLS = dict[str, dict[str, str]]
SETTINGS = "SELECT datname, datallowconn, datconnlimit FROM pg_database ORDER BY 1"
HOLDERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'verdigris-%'"
OF_THE_DATABASE: list[dict[str, Any]] = [
    {"fault": "database-stopped", "service": "auth-service"},
    {"fault": "connections-exhausted", "service": "auth-service"},
    {"fault": "database-slowed", "service": "auth-service", "by": "400ms"},
]
FLOOD = {"fault": "queue-flooded", "service": "auth-service", "queue": "queue:x", "job": "-1"}


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URLS]:
    with small.stores(Layout(kept(), tmp_path_factory.mktemp("stores"))) as found:
        yield found


def fault(told: dict[str, Any], urls: URLS, cluster: Cluster) -> Fault:
    return made(TypeAdapter(AnyFault).validate_python(told), On(cluster, urls))


def asked(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, connect_timeout=3) as database:
        return database.execute(query.encode()).fetchall()


def settings(urls: URLS) -> list[Any]:
    return asked(urls["database_owner"]["green"], SETTINGS)


def name(told: dict[str, Any]) -> str:
    return str(told["fault"])


@pytest.mark.parametrize("told", OF_THE_DATABASE, ids=name)
def test_a_fault_of_the_database_bites_and_is_gone(told: dict[str, Any], urls: URLS, tmp_path: Path) -> None:
    cluster, before = Cluster(), settings(urls)
    here = small.site(cluster, urls, tmp_path)
    with here.inject(fault(told, urls, cluster), BlastRadius(at_most=2)) as injection:
        assert injection.effect
        assert asked(urls["database"]["blue"], "SELECT count(*) FROM users")[0][0] >= 3
        assert len(marks(cluster)) == 1
    assert settings(urls) == before
    assert asked(urls["database_owner"]["green"], HOLDERS) == [(0,)]
    assert asked(urls["database"]["green"], "SELECT count(*) FROM users")[0][0] >= 3
    assert marks(cluster) == here.ledger.entries() == []


@pytest.mark.parametrize("told", OF_THE_DATABASE, ids=name)
def test_on_another_machine_its_mark_alone_heals_it(told: dict[str, Any], urls: URLS, tmp_path: Path) -> None:
    cluster, before = Cluster(), settings(urls)
    here = small.site(cluster, urls, tmp_path)
    harm = fault(told, urls, cluster)
    plan = harm.plan()
    wait_until(lambda: not harm.effect(), 5)

    class Unfelt:
        """Puts in what the fault plans."""

        name, short, bites_s, over_s = "x", "", 5.0, 5.0

        def plan(self) -> Any:
            return plan

        def effect(self) -> str:
            return harm.effect()

        def is_over(self) -> bool:
            return True

    def killed() -> None:
        with here.inject(Unfelt(), BlastRadius(at_most=2)):
            (entry,) = here.ledger.entries()
            here.ledger.settle(entry.id)  # is on this machine: the other has the mark alone
            raise Killed

    with pytest.raises(Killed):
        killed()
    assert len(marks(cluster)) == 1
    elsewhere = small.site(cluster, urls, tmp_path / "elsewhere")
    assert [one.failed for one in Healer(elsewhere.hands, elsewhere.ledger).heal_all(marks(cluster))] == [""]
    assert settings(urls) == before
    wait_until(lambda: not harm.effect(), 5)
    assert marks(cluster) == []


def test_without_the_owners_credential_nothing_is_done(urls: URLS, tmp_path: Path) -> None:
    cluster = Cluster()
    less = {store: found for store, found in urls.items() if store != "database_owner"}
    here = small.site(cluster, less, tmp_path)
    with (
        pytest.raises(Missing, match="states no database_owner"),
        here.inject(fault(OF_THE_DATABASE[0], less, cluster), BlastRadius(at_most=2)),
    ):
        pass
    assert here.ledger.entries() == []


@pytest.mark.parametrize("told", OF_THE_DATABASE, ids=name)
def test_a_database_that_is_the_other_sides_too_is_not_touched(
    told: dict[str, Any], urls: URLS, tmp_path: Path
) -> None:
    cluster, green = Cluster(), urls["database"]["green"]
    shared = {**urls, "database": {"blue": green.replace("?", "?application_name=blue&"), "green": green}}
    here = small.site(cluster, shared, tmp_path)
    with (
        pytest.raises(Forbidden, match="the database is blue's too"),
        here.inject(fault(told, shared, cluster), BlastRadius(at_most=2)),
    ):
        pass
    assert here.ledger.entries() == marks(cluster) == []


def test_a_flood_is_taken_out_of_a_queue_and_users_jobs_stay(urls: URLS, tmp_path: Path) -> None:
    cluster = Cluster()
    told = {**FLOOD, "jobs": 50, "felt": "queue_length"}
    here, harm = small.site(cluster, urls, tmp_path), fault(told, urls, cluster)
    (act,) = harm.plan().acts
    with redis.Redis.from_url(urls["cache"]["green"]) as cache:
        cache.rpush("queue:x", 7, 8)
        entry = Entry("x", act.as_json(), Runner.me(), now(), now() + 60)
        act.apply(here.hands, entry)
        assert cache.llen("queue:x") == 52
        act.undo(here.hands, entry)
        act.undo(here.hands, entry)  # as often as it is asked to
        assert cache.lrange("queue:x", 0, -1) == [b"7", b"8"]


def test_monitoring_sees_the_database_that_is_stopped_and_no_other(urls: URLS, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.json"
    sides = {f"database_of_{side}": url for side, url in urls["database"].items()}
    secrets.write_text(json.dumps({"database_admin": urls["database"]["blue"], **sides}))
    cluster = Cluster()
    here, harm = small.site(cluster, urls, tmp_path), fault(OF_THE_DATABASE[0], urls, cluster)

    async def scraped() -> list[int]:
        exporter = Exporter(secrets)
        async with TestClient(TestServer(exporter.app())) as client:
            found = [
                (await client.get("/metrics", params={"side": side})).status for side in ("blue", "green")
            ]
        await exporter.close()
        return found

    assert loops.run(scraped()) == [200, 200]
    with here.inject(harm, BlastRadius(at_most=2)):
        assert loops.run(scraped()) == [200, 503]
    assert loops.run(scraped()) == [200, 200]


def test_keys_that_come_and_go_are_no_cache_that_was_emptied(urls: URLS) -> None:
    emptied = fault({"fault": "cache-emptied", "service": "auth-service"}, urls, Cluster())
    with redis.Redis.from_url(urls["cache"]["green"]) as cache:
        cache.flushdb()
        cache.mset({f"key-{n}": n for n in range(6)})
        emptied.plan()
        cache.delete("key-0", "key-1", "key-2")
        assert emptied.effect() == ""
        cache.flushdb()
        cache.mset({"key-0": 0, "key-9": 9})
        assert emptied.effect() == "5 of 6 keys that it held are gone"
        cache.flushdb()


def test_a_cache_that_held_nothing_cannot_be_seen_to_lose_it(urls: URLS) -> None:
    emptied = fault({"fault": "cache-emptied", "service": "auth-service"}, urls, Cluster())
    with redis.Redis.from_url(urls["cache"]["green"]) as cache:
        cache.flushdb()
        emptied.plan()
        cache.flushdb()
    assert emptied.effect() == ""
