"""The way back by hand: the version before takes the place of the one that runs, the schema goes one step down, and
whoever comes after a drill that was killed puts both back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.clock import SystemClock
from fixtures.platforms.abilities import Pod, Workload
from fixtures.platforms.changes import Ref
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock
from scenarios.drills.practice import NotBegun
from scenarios.drills.revisions import LOOKS, OfRevision, Schema
from scenarios.release.fleet import Fleet
from tests.faults.shelf import Shelf
from tests.nailbook.test_migrations import BACKEND

API = Ref("Deployment", "green", "api")
ARN = "arn:aws:ecs:r:1:task-definition/api:"
STEPS = ("identify", "switch", "verify", "watch", "schema", "forward")


class Cluster(Shelf):
    """Runs at once what it is told to. `known`: the versions that are still known, the newest first."""

    known: Sequence[str] = (f"{ARN}3", f"{ARN}2", f"{ARN}1")

    def workloads(self, namespace: str) -> Sequence[Workload]:
        return [Workload(namespace, "api", 3, 3, 3, 3)]

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        raise NotImplementedError

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {}

    def revisions(self, namespace: str, workload: str) -> Sequence[str]:
        return self.known

    @property
    def runs(self) -> str:
        return str(self.objects[API]["spec"]["taskDefinition"]).rpartition("/")[2]


@dataclass(frozen=True)
class Steps(Schema):
    """A schema whose migrations are numbers."""

    stuck: bool = False
    now: list[int] = field(default_factory=lambda: [2])

    def at(self) -> str:
        return f"{self.now[0]:04}"

    def migrate(self, *told: str) -> None:
        if not self.stuck:
            self.now[0] = self.now[0] - 1 if told[0] == "downgrade" else int(told[1])


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    found.put(API, spec={"replicas": 3, "taskDefinition": f"{ARN}2"})
    return found


def practice(cluster: Cluster, folder: Path, schema: Schema | None = None, said: str = "") -> OfRevision:
    fleet = Fleet(cluster, "green", SystemClock())
    held = schema or Steps("postgresql://", BACKEND)
    return OfRevision(fleet, cluster, cluster, "api", held, lambda: said, folder / "revision.json", Clock())


def test_the_last_usable_version_serves_with_its_schema_and_then_the_other_one_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    found = practice(cluster, tmp_path)
    assert found.fit() == "api:2 runs, and the schema is at 0002"
    assert found.strike("x") == "api:2 is taken for a bad version"
    acts, ran = found.acts(), []
    for step in STEPS:
        said = acts[step]()
        ran.append((step, said, cluster.runs, found.schema.at()))
    assert ran == [
        ("identify", "api:1 before api:2", "api:2", "0002"),
        ("switch", "api is to run api:1", "api:1", "0002"),
        ("verify", "api:1 task definition of every task, all of them ready", "api:1", "0002"),
        ("watch", f"well {LOOKS} times of {LOOKS}", "api:1", "0002"),
        ("schema", "from 0002 to 0001", "api:1", "0001"),
        ("forward", "api:2 again, with the schema at 0002", "api:2", "0002"),
    ]
    assert list(found.left_behind()) == []
    assert found.heal() == ""
    assert not found.file.exists()


def test_whoever_comes_after_a_drill_that_was_killed_puts_both_back(cluster: Cluster, tmp_path: Path) -> None:
    killed = practice(cluster, tmp_path)
    killed.fit()
    for step in STEPS[:-1]:
        killed.acts()[step]()
    assert list(killed.left_behind()) == [
        "api runs api:1, and ran api:2",
        "the schema is at 0001, and was at 0002",
    ]
    later = practice(cluster, tmp_path, killed.schema)
    with pytest.raises(NotBegun, match="was not ended"):
        later.fit()
    assert later.heal() == "api:2 runs again, with its schema"
    assert (cluster.runs, later.schema.at()) == ("api:2", "0002")
    assert later.heal() == ""


def test_where_no_version_is_older_there_is_no_way_back(cluster: Cluster, tmp_path: Path) -> None:
    cluster.known = (f"{ARN}3", f"{ARN}2")
    found = practice(cluster, tmp_path)
    found.fit()
    with pytest.raises(NotProven, match="no version before api:2"):
        found.identify()


def test_a_schema_that_stays_where_it_is_did_not_go_back(cluster: Cluster, tmp_path: Path) -> None:
    found = practice(cluster, tmp_path, Steps("postgresql://", BACKEND, stuck=True))
    found.fit()
    with pytest.raises(NotProven, match="still at 0002"):
        found.down()


def test_users_who_are_not_served_by_it_are_said(cluster: Cluster, tmp_path: Path) -> None:
    found = practice(cluster, tmp_path, said="api answers 503")
    found.fit()
    with pytest.raises(NotProven, match="answers 503"):
        found.watch()


def test_without_alembic_no_drill_begins(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(NotBegun, match=r"no alembic\.ini"):
        practice(cluster, tmp_path, Steps("postgresql://", tmp_path)).fit()
