"""Backups on a real PostgreSQL: what they bring back, to which moment, and what is wrong with a bad one, by name."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.platforms.backups import Backups, NotRestored, NotTaken, PointInTime, WouldOverwrite
from fixtures.platforms.postgres import archive, inventory
from fixtures.platforms.postgres.archive import SWITCHED
from fixtures.platforms.postgres.backups import FACTS, BaseBackups, Recovery
from fixtures.platforms.postgres.programs import Login
from tests.drills.database import Stand

FAR = Recovery()  # as far as the log reaches


def restored(place: Stand, backup_id: str, name: str, how: Recovery = FAR) -> Path:
    """The server on a restored folder, in the place of the one that ran."""
    backup = next(one for one in place.backups.backups() if one.id == backup_id)
    into = place.backups.restore(backup, place.home / name, how)
    place.server.stop(place.data)
    place.server.start(into)
    place.data = into
    return into


def test_a_backup_with_its_archive_goes_back_to_just_before_a_bad_migration(place: Stand) -> None:
    assert isinstance(place.backups, Backups)
    assert isinstance(place.backups, PointInTime)
    place.insert("a")
    backup = place.backups.take("first")
    assert place.backups.faults(backup) == ()
    before = place.insert("b", "c")
    with place.server.connect() as database:
        was = inventory.take(database)
    place.sql("DROP TABLE audit", "ALTER TABLE records RENAME project TO name")
    place.switch()
    original = place.data
    restored(place, "first", "back", Recovery(until_s=before))
    assert place.names() == ["a", "b", "c"]
    with place.server.connect() as database:
        assert inventory.differences(was, inventory.take(database)) == []
    assert original.exists()  # the damaged data is still there


def test_what_was_lost_with_the_disk_is_the_end_that_the_archive_did_not_have(place: Stand) -> None:
    place.backups.take("first")
    place.insert("a")
    place.switch()
    place.insert("b")
    place.server.kill(place.data)
    shutil.rmtree(place.data)
    restored(place, "first", "back")
    assert place.names() == ["a"]


def test_what_never_came_to_the_archive_is_salvaged_from_a_damaged_server(place: Stand) -> None:
    place.backups.take("first")
    place.insert("a")
    place.switch()
    place.insert("b")
    place.server.kill(place.data)
    restored(place, "first", "back", Recovery(salvage=place.data / "pg_wal"))
    assert place.names() == ["a", "b"]


def test_a_gap_in_the_archive_is_told_and_ends_the_reach(place: Stand) -> None:
    place.backups.take("first")
    assert place.backups.reach().gaps == ()
    place.insert("a")
    place.switch()
    place.insert("b")
    lost = place.switch()
    place.insert("c")
    until_s = place.insert("d")
    place.switch()
    (place.log / lost).unlink()
    reach = place.backups.reach()
    assert reach.gaps == (lost,)
    assert reach.from_s is not None
    assert reach.until_s is not None
    assert reach.from_s < reach.until_s < until_s
    with pytest.raises(NotRestored, match="before configured recovery target"):
        restored(place, "first", "exact", Recovery(until_s=until_s))
    restored(place, "first", "far")  # as far as it goes: a, and no word of b
    assert place.names() == ["a"]


def test_a_log_to_which_nothing_was_added_is_pushed_already(shared: Stand) -> None:
    """What is asked for is what was written, and not the segment in which nothing stands yet."""
    with shared.server.connect() as link:
        link.execute("SELECT pg_logical_emit_message(false, 'a', 'b')")
        assert archive.pushed(link, 15)
        assert archive.pushed(link, 5)
        assert archive.pushed(link, 5)


def test_an_archiver_that_only_says_that_it_archives_is_found_out(place: Stand) -> None:
    place.backups.take("first")
    place.sql("ALTER SYSTEM SET archive_command = '/bin/true'", "SELECT pg_reload_conf()")
    wait_until(lambda: place.sql("SHOW archive_command") == [("/bin/true",)], 5)
    place.insert("a")
    ((segment,),) = place.sql(SWITCHED)
    told = "SELECT last_archived_wal FROM pg_stat_archiver"
    wait_until(lambda: place.sql(told) == [(segment,)], 15)
    assert place.backups.reach().gaps == (segment,)


def test_an_archive_that_falls_behind_says_by_how_much(place: Stand) -> None:
    place.backups.take("first")
    place.insert("a")
    place.switch()
    place.sql("ALTER SYSTEM SET archive_command = '/bin/false'", "SELECT pg_reload_conf()")
    wait_until(lambda: place.sql("SHOW archive_command") == [("/bin/false",)], 5)
    place.insert("b")
    place.sql("SELECT pg_switch_wal()")
    waits = [*(place.data / "pg_wal" / "archive_status").glob("*.ready")]
    assert waits
    old = time.time() - 20 * 60
    for one in waits:  # as if the archiver had failed for 20 minutes
        os.utime(one, (old, old))
    lag_s = place.backups.reach().lag_s
    assert lag_s is not None
    assert 1200 <= lag_s < 1230


def test_a_corrupt_backup_is_found_by_reading_it_and_the_one_before_serves(place: Stand) -> None:
    place.insert("a")
    place.backups.take("first")
    second = place.backups.take("second")
    base = place.backups.data(second) / "base"
    victim = max(base.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    with victim.open("r+b") as file:
        file.seek(100)
        file.write(b"\x00\xff\x00\xff")
    (fault, *_) = place.backups.faults(second)
    assert victim.name in fault
    sound = [one for one in place.backups.backups() if not place.backups.faults(one)]
    assert [one.id for one in sound] == ["first"]
    restored(place, "first", "back")
    assert place.names() == ["a"]


def test_a_copy_of_an_old_backup_is_not_taken_for_tonights(place: Stand) -> None:
    facts = place.backups.folder / place.backups.take("tonight").id / FACTS
    told = json.loads(facts.read_text())
    facts.write_text(
        json.dumps({**told, "begun_s": told["begun_s"] + 3600, "ended_s": told["ended_s"] + 3600})
    )
    (found,) = place.backups.faults(place.backups.backups()[0])
    assert found.startswith("it is said to be of ")
    assert ", and its files are of " in found


def test_a_job_that_was_cut_short_leaves_no_backup(place: Stand) -> None:
    wrong = BaseBackups(
        place.programs, Login(place.login.host, 5432, password="guessed"), place.backups.folder, place.log
    )
    with pytest.raises(NotTaken, match="password"):
        wrong.take("first")
    assert place.backups.backups() == []
    assert place.backups.reach().from_s is None


def test_a_restore_never_goes_over_anything(place: Stand) -> None:
    backup = place.backups.take("first")
    with pytest.raises(WouldOverwrite):
        place.backups.restore(backup, place.data)
    with pytest.raises(WouldOverwrite):
        place.backups.take("first")
    with pytest.raises(WouldOverwrite):
        place.backups.prune([])
    assert place.server.is_running(place.data)


def test_pruning_keeps_what_it_is_told_to_keep(place: Stand) -> None:
    first = place.backups.take("first")
    second = place.backups.take("second")
    assert place.backups.prune([second]) == [first]
    assert place.backups.backups() == [second]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DROP TABLE audit", "table public.audit is missing"),
        ("REVOKE INSERT ON records FROM app", "right public.records to app: INSERT is missing"),
        ("GRANT UPDATE ON records TO app", "right public.records to app: UPDATE was not there"),
        ("ALTER ROLE app NOLOGIN", "role app is '', was 'login'"),
        ("ALTER TABLE records DROP CONSTRAINT records_pkey CASCADE", "constraint public.records records_pkey is"),
        ("ALTER SEQUENCE records_id_seq RESTART", "sequence public.records_id_seq gives 1 next"),
        ("ALTER TABLE records ALTER project DROP NOT NULL", "table public.records is"),
        ("ALTER ROLE app CONNECTION LIMIT 3", "role app is 'login at most 3 connections', was 'login'"),
        ("ALTER DATABASE postgres CONNECTION LIMIT 0", "database postgres is 'of postgres, at most 0 connections'"),
    ],
)  # fmt: skip
def test_what_a_restore_lacks_is_named(shared: Stand, damage: str, says: str) -> None:
    with shared.server.connect() as database:
        database.execute(b"INSERT INTO records (project) VALUES ('a')")
        was = inventory.take(database)
        database.execute(b"BEGIN")
        database.execute(damage.encode())
        found = inventory.differences(was, inventory.take(database))
        database.execute(b"ROLLBACK")
    assert any(one.startswith(says) for one in found), found
    with shared.server.connect() as database:
        assert inventory.differences(was, inventory.take(database)) == []
