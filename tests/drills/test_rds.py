"""RDS through boto3, on moto: snapshots and their copies, recovery to a moment, and never over what is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from fixtures.evidence import Missing
from fixtures.platforms.backups import Backups, NotTaken, PointInTime, WouldOverwrite
from fixtures.platforms.rds import TAKES_S, NotOurs, Rds
from fixtures.target.servers import RdsInstance
from tests.drills.instances import ACCOUNT, HOME, Hasty, an_instance

COPY = "ap-southeast-1"
DATABASE = "hwayo-prod-db"


@pytest.fixture
def client() -> Iterator[Any]:
    with an_instance(DATABASE) as made:
        yield made


@pytest.fixture
def keeper(client: Any) -> Rds:
    return Rds(ACCOUNT, RdsInstance(instance=DATABASE, regions=(COPY,)), Hasty())


def test_a_snapshot_is_taken_listed_and_restored_to_an_instance_of_its_own(keeper: Rds, client: Any) -> None:
    assert isinstance(keeper, Backups)
    assert isinstance(keeper, PointInTime)
    taken = keeper.take("monthly-drill")
    assert taken in keeper.backups()
    assert (taken.of, taken.places, taken.encrypted, taken.kind) == (DATABASE, (HOME,), True, "manual")
    assert abs(taken.ended_s - time.time()) < 60
    assert keeper.faults(taken) == ()
    host = keeper.restore(taken, f"{DATABASE}-restored")
    assert host.startswith(f"{DATABASE}-restored.")
    assert len(client.describe_db_instances()["DBInstances"]) == 2


def test_copies_elsewhere_count_by_the_age_of_the_original(keeper: Rds, client: Any) -> None:
    taken = keeper.take("weekly")
    arn = client.describe_db_snapshots(DBSnapshotIdentifier="weekly")["DBSnapshots"][0]["DBSnapshotArn"]
    boto3.client("rds", region_name=COPY).copy_db_snapshot(
        SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier="weekly", SourceRegion=HOME
    )
    found = next(one for one in keeper.backups() if one.id == "weekly")
    assert found.places == (HOME, COPY)
    assert found.ended_s == taken.ended_s
    client.delete_db_snapshot(DBSnapshotIdentifier="weekly")
    assert next(one for one in keeper.backups() if one.id == "weekly").places == (COPY,)


def test_a_restore_never_goes_over_an_instance(keeper: Rds) -> None:
    taken = keeper.take("first")
    for into in (DATABASE, "other"):
        if into == "other":
            keeper.restore(taken, into)
        with pytest.raises(WouldOverwrite):
            keeper.restore(taken, into)
        with pytest.raises(WouldOverwrite):
            keeper.restore_to(time.time(), into)
    with pytest.raises(WouldOverwrite):
        keeper.take("first")


def test_a_moment_can_be_restored_and_the_reach_is_told(keeper: Rds) -> None:
    keeper.take("first")
    reach = keeper.reach()
    assert reach.from_s is not None
    assert reach.lag_s is not None
    assert reach.lag_s < 60
    assert keeper.restore_to(time.time(), "as-of").startswith("as-of.")


def test_what_is_restored_stands_behind_the_same_walls_and_goes_again_and_nothing_else_does(
    keeper: Rds, client: Any
) -> None:
    keeper.restore_to(time.time(), "as-of")
    ours, made = (
        client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        for name in (DATABASE, "as-of")
    )
    assert ours["VpcSecurityGroups"]
    assert made["VpcSecurityGroups"] == ours["VpcSecurityGroups"]
    keeper.remove("as-of")
    assert not keeper.is_there("as-of")
    keeper.remove("as-of")
    keeper.restore(keeper.take("first"), "somebody-elses")
    for name in (DATABASE, "somebody-elses"):
        with pytest.raises(NotOurs):
            keeper.remove(name)
        assert keeper.is_there(name)


def test_without_automated_backups_there_is_no_moment_to_go_back_to(keeper: Rds, client: Any) -> None:
    client.modify_db_instance(DBInstanceIdentifier=DATABASE, BackupRetentionPeriod=0, ApplyImmediately=True)
    assert keeper.reach().from_s is None


def test_what_is_not_there_is_no_evidence(keeper: Rds, client: Any) -> None:
    stranger = Rds(ACCOUNT, RdsInstance(instance="nobody"), Hasty())
    assert stranger.backups() == []
    with pytest.raises(Missing):
        stranger.reach()
    with pytest.raises(Missing):
        stranger.take("first")
    gone = keeper.take("first")
    client.delete_db_snapshot(DBSnapshotIdentifier="first")
    assert keeper.faults(gone) == ("snapshot first is not there",)


def test_a_snapshot_that_is_never_available_was_not_taken(keeper: Rds, client: Any) -> None:
    class Unfinished(Rds):
        """As RDS shows a snapshot that is still being made."""

        def backups(self) -> list[Any]:
            return []

    clock = Hasty()
    with pytest.raises(NotTaken, match="not available"):
        Unfinished(ACCOUNT, RdsInstance(instance=DATABASE), clock).take("slow")
    assert clock.slept_s >= TAKES_S
