"""Stores under a keeper, lost for real and brought back by order: a database with its backups, and a cache."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from fixtures.clock import wait_until
from fixtures.lab.layout import Layout
from fixtures.lab.stores import Postgres, valkey
from fixtures.platforms.backups import NotRestored
from fixtures.platforms.orders import Orders
from fixtures.platforms.postgres.kept import KeptDatabase
from fixtures.target.servers import DatabaseServer
from reports.verdicts import Verdict
from scenarios.drills.caches import WITNESS, OfCache
from scenarios.drills.comeback import NotProven
from scenarios.drills.disasters import DirectoryDeleted
from scenarios.drills.drill import Stage, hold
from scenarios.drills.ground import Ledger, Note
from scenarios.drills.journal import Clock
from scenarios.drills.practice import NotBegun, NoWayBack, OfDatabase
from scenarios.drills.runbook import Nobody
from tests.drills.database import PASSWORD, SCHEMA, folder
from tests.drills.kept import kept
from tests.drills.product import Api, SmallProduct
from tests.drills.test_drills import RESTORE, drill, figure, verdicts
from tests.subnets import claimed

KEYS = ("queue:reports:workers",)


@pytest.fixture(scope="module")
def ground() -> Iterator[KeptDatabase]:
    with claimed() as subnet, folder() as home:
        layout = Layout(subnet, home)
        postgres = Postgres(layout.database, home, PASSWORD)
        postgres.prepare()
        with kept("postgres", postgres.part, layout) as orders:
            told = DatabaseServer(
                orders=str(orders),
                address=layout.database,
                data=str(postgres.data),
                archive=str(postgres.archive),
                backups=str(postgres.backups),
                programs=str(postgres.bin),
                run_as=postgres.uid,
            )
            found = KeptDatabase(told, PASSWORD, ["postgres"])
            found.serve(postgres.data)
            with found.connect("postgres") as link:
                for statement in SCHEMA:
                    link.execute(statement.encode())
            found.backups.take("nightly")
            yield found


def practice(ground: KeptDatabase, folder: Path, oldest_s: float = float("inf")) -> OfDatabase:
    return OfDatabase(ground, DirectoryDeleted(), Ledger(folder / "note.json"), Clock(), oldest_s)


def test_a_backup_older_than_planned_keeps_a_drill_from_beginning(
    ground: KeptDatabase, tmp_path: Path
) -> None:
    with pytest.raises(
        NoWayBack, match=r"the newest sound backup, nightly, is \d+ s old; by plan it is 0 s at most"
    ):
        practice(ground, tmp_path, oldest_s=0.0).fit()
    assert ground.is_serving()


def test_a_note_of_a_server_that_is_no_more_does_not_harm_the_one_that_took_its_place(
    ground: KeptDatabase, tmp_path: Path
) -> None:
    serves, found = ground.data(), practice(ground, tmp_path)
    found.ledger.open(Note("earlier", "/nowhere/postgres", aside="/nowhere/postgres-aside-1"))
    assert "another one serves" in found.heal()
    assert ground.data() == serves
    assert ground.is_serving()
    assert found.heal() == ""


def test_a_folder_that_holds_no_database_is_not_served(ground: KeptDatabase) -> None:
    whole = ground.data()
    ground.hold()
    assert not ground.is_serving()
    impatient = KeptDatabase(ground._told, PASSWORD, ["postgres"], serves_s=1.0)
    with pytest.raises(NotRestored, match="nowhere does not take writes"):
        impatient.serve(whole.with_name("nowhere"))
    ground.serve(whole)
    assert ground.is_serving()


@pytest.mark.long
def test_where_nothing_of_ours_is_left_the_loss_reaches_back_to_what_was_restored(
    ground: KeptDatabase, tmp_path: Path
) -> None:
    """Whoever wrote between the backup and the drill has lost that, too, though our journal knows nothing of it."""
    backup_s = ground.backups.backups()[-1].ended_s
    time.sleep(3)  # nothing is archived meanwhile
    login = ground._login
    api = Api(login.host, login)
    try:
        stage = Stage(SmallProduct(api.url), tmp_path / "drill", Nobody(), "s", "here")
        record = hold(drill(*RESTORE, rpo="2s"), practice(ground, tmp_path), stage)
    finally:
        api.stop()
    rpo = figure(record, "rpo")
    onset_s = next(one.at_s for one in record.moments if one.what == "the disaster strikes")
    assert rpo.verdict is Verdict.FAIL
    assert rpo.value is not None
    assert rpo.value >= onset_s - backup_s - 0.5


@pytest.mark.long
def test_a_deleted_database_comes_back_twice_and_its_keeper_serves_what_was_restored(
    ground: KeptDatabase, tmp_path: Path
) -> None:
    login = ground._login
    api = Api(login.host, login)
    try:
        for number in (1, 2):
            stage = Stage(
                SmallProduct(api.url, f"drill{number}"), tmp_path / str(number), Nobody(), "s", "here"
            )
            record = hold(drill(*RESTORE), practice(ground, tmp_path), stage)
            assert verdicts(record) == dict.fromkeys(
                (*RESTORE, "disaster", "integrity", "rto", "rpo"), "PASS"
            ), "\n".join(map(str, (*record.follow_ups, *(s.said for s in record.steps))))
            assert ground.data().name.startswith("postgres-restored-")
            assert "-aside-" in record.evidence["data"]  # each in a place of its own
    finally:
        api.stop()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[OfCache]:
    with claimed() as subnet:
        layout = Layout(subnet, tmp_path)
        url = f"redis://:hidden@{layout.cache}/0"
        with kept("valkey", lambda _: valkey(layout, "hidden"), layout) as orders:
            found = OfCache(Orders(orders), url, KEYS, Clock())
            wait_until(found._answers, 10)
            yield found


def fill(cache: OfCache) -> None:
    with redis.Redis.from_url(cache.url) as client:
        client.sadd(KEYS[0], "worker")


def test_a_killed_cache_is_empty_until_it_is_warmed(cache: OfCache) -> None:
    with pytest.raises(NotBegun, match="not warm to begin with: queue:reports:workers"):
        cache.fit()
    fill(cache)
    assert "holds queue:reports:workers" in cache.fit()
    assert cache.strike("x") == "nobody answers at the cache's address"
    assert list(cache.left_behind()) == ["the cache lacks everything"]
    assert "with 0 keys" in cache.restart()
    assert list(cache.left_behind()) == ["the cache lacks queue:reports:workers"]
    fill(cache)
    assert "again after" in cache.warm()
    assert list(cache.left_behind()) == []


def test_a_cache_that_kept_everything_was_never_lost(cache: OfCache) -> None:
    fill(cache)
    cache.strike("x")
    cache.orders.serve()
    wait_until(cache._answers, 10)
    with redis.Redis.from_url(cache.url) as client:
        client.set(WITNESS, "1")  # as from a disk
    with pytest.raises(NotProven, match="it was never lost"):
        cache.restart()


def test_a_cache_that_nobody_warms_is_named(cache: OfCache) -> None:
    fill(cache)
    cache.strike("x")
    cache.restart()
    with pytest.raises(NotProven, match=r"not warm after 0\.2 s: queue:reports:workers missing"):
        cache.warm(within_s=0.2)


def test_a_cache_that_a_killed_drill_left_down_is_healed_by_the_next(cache: OfCache) -> None:
    cache.strike("x")
    with pytest.raises(NotBegun, match="not ended"):
        cache.fit()
    assert cache.heal() == "the cache runs again"
    assert cache.heal() == ""
