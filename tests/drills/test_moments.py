"""What RDS keeps for a system, by the rows of its profile, on moto: fresh snapshots, and each month a way back.

moto restores an instance without data: what a restored one holds, a database of ours stands in for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures.platforms.rds import Rds
from fixtures.target import Side, Target
from fixtures.target.environment import Aws, Credential
from fixtures.target.servers import RdsInstance
from fixtures.target.upkeep import CopiesEncrypted
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock
from scenarios.drills.moments import OfMoment
from scenarios.drills.practice import NotBegun, NoWayBack
from scenarios.surroundings import Surroundings
from tests.drills.database import Stand
from tests.drills.instances import ACCOUNT, HOME, Hasty, aged, an_instance

HOUR_S = 3600.0
INTO = "nailbook-pitr-test"
INSTANCE = "nailbook-prod"


# --- the rows --------------------------------------------------------------------------------------------------------
@contextmanager
def production() -> Iterator[Surroundings]:
    """As the profile states it, with keys to the account."""
    target = Target.load("nailbook-line")
    key = Credential.of_lab("lab")
    told = {"aws": Aws(region=HOME, access_key=key, secret_key=key)}
    around = Surroundings(target, target.environment("production").model_copy(update=told), Side.GREEN)
    try:
        yield around
    finally:
        around.close()


def looked(name: str) -> Measurement:
    with production() as around:
        return measure(next(one for one in around.target.checks if one.name == name), around)


@pytest.fixture
def client() -> Iterator[Any]:
    with an_instance(INSTANCE) as made:
        yield made


def test_a_daily_snapshot_in_time_passes_and_an_older_one_is_named(client: Any) -> None:
    aged(INSTANCE, made_s=90 * HOUR_S, snapshot_s=20 * HOUR_S)
    seen = looked("backups-kept")
    assert (seen.bad, seen.samples) == (0, 1)
    aged(INSTANCE, made_s=90 * HOUR_S, snapshot_s=40 * HOUR_S)
    client.create_db_snapshot(DBInstanceIdentifier=INSTANCE, DBSnapshotIdentifier="taken-by-hand")
    seen = looked("backups-kept")  # what somebody took by hand does not stand in for the job
    assert seen.bad == 1
    assert "daily: no backup for" in seen.why


def test_an_instance_that_is_younger_than_a_day_cannot_tell(client: Any) -> None:
    del client
    seen = looked("backups-kept")
    assert seen.value is None
    assert seen.young


def test_without_an_instance_nothing_is_known(client: Any) -> None:
    client.delete_db_instance(DBInstanceIdentifier=INSTANCE, SkipFinalSnapshot=True)
    seen = looked("backups-kept")
    assert seen.value is None
    assert f"no instance {INSTANCE}" in seen.why
    assert not seen.young


@pytest.mark.parametrize(("days", "bad"), [(7, 0), (0, 1)])
def test_without_automated_backups_there_is_no_moment_to_go_back_to(days: int, bad: int) -> None:
    with an_instance(INSTANCE, kept_days=days):
        seen = looked("backups-archived")
    assert seen.bad == bad
    assert ("there is no moment that one can go back to" in seen.why) is bool(bad)


@pytest.mark.parametrize("encrypted", [True, False])
def test_snapshots_are_as_encrypted_as_rds_says(encrypted: bool) -> None:
    check = CopiesEncrypted(check="copies-encrypted", name="e", title="e", source="§8.2")
    with an_instance(INSTANCE, encrypted=encrypted), production() as around:
        seen = measure(check, around)
    assert (seen.bad, seen.samples) == (int(not encrypted), 1)


# --- the drill -------------------------------------------------------------------------------------------------------
@pytest.fixture
def practice(client: Any, shared: Stand, tmp_path: Path) -> OfMoment:
    del client
    rds = Rds(ACCOUNT, RdsInstance(instance=INSTANCE), Hasty())
    file = tmp_path / "moment.json"
    return OfMoment(rds, INTO, lambda _: shared.server.connect(), file, Clock(), Hasty())


def test_a_moment_is_restored_beside_compared_and_deleted_again(practice: OfMoment) -> None:
    assert practice.fit().startswith(f"RDS instance {INSTANCE}: from ")
    assert "is asked for" in practice.strike("x")
    acts = practice.acts()
    assert f"{INTO} is available at {INTO}." in acts["restore"]()
    assert list(practice.left_behind()) == [f"the instance {INTO} is there"]
    assert "2 tables with " in acts["compare"]()
    assert acts["remove"]() == f"{INTO} is deleted"
    assert list(practice.left_behind()) == []
    practice.clear()
    assert practice.heal() == ""


@pytest.mark.parametrize(
    ("done", "undone", "says"),
    [
        (
            "ALTER TABLE audit RENAME TO audits",
            "ALTER TABLE audits RENAME TO audit",
            "table public.audit is missing",
        ),
        (
            "INSERT INTO records (project) VALUES ('later')",
            "DELETE FROM records WHERE project = 'later'",
            "public.records has 1 rows, and had 0",
        ),
        (
            "REVOKE SELECT ON audit FROM app",
            "GRANT SELECT ON audit TO app",
            "right public.audit to app: SELECT is",
        ),
    ],
    ids=["a table", "rows of another moment", "a right"],
)
def test_what_was_restored_and_is_not_as_it_was_then_is_named(
    practice: OfMoment, shared: Stand, done: str, undone: str, says: str
) -> None:
    practice.fit()
    practice.strike("x")
    practice.acts()["restore"]()
    shared.sql(done)
    try:
        with pytest.raises(NotProven, match=says):
            practice.acts()["compare"]()
    finally:
        shared.sql(undone)


def test_an_instance_that_a_killed_drill_left_is_deleted_by_the_next(practice: OfMoment) -> None:
    practice.fit()
    practice.strike("x")
    practice.acts()["restore"]()
    with pytest.raises(NotBegun, match="not ended"):
        practice.fit()
    assert practice.heal() == f"{INTO} was deleted"
    assert practice.heal() == ""
    assert not practice.rds.is_there(INTO)


def test_a_drill_is_not_begun_over_what_is_there_nor_without_a_log(practice: OfMoment, client: Any) -> None:
    client.create_db_instance(
        DBInstanceIdentifier=INTO, Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20,
        MasterUsername="owner", MasterUserPassword="not-a-secret",
    )  # fmt: skip
    with pytest.raises(NotBegun, match=f"there is an instance {INTO} already"):
        practice.fit()
    client.modify_db_instance(DBInstanceIdentifier=INSTANCE, BackupRetentionPeriod=0, ApplyImmediately=True)
    with pytest.raises(NoWayBack, match="no moment that one can go back to"):
        practice.fit()
