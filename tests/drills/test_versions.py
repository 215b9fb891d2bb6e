"""A version that cannot start is told by its pods, and the last known good one comes back, whoever comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fixtures.clock import SystemClock
from fixtures.platforms.abilities import Pod, Workload
from fixtures.platforms.changes import Ref
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock
from scenarios.drills.practice import NotBegun
from scenarios.drills.versions import NEVER_BUILT, OfVersion
from scenarios.release.fleet import Fleet
from tests.faults.shelf import Shelf

SPACE = "shop-green"
REF = Ref("Deployment", SPACE, "api")


class Cluster(Shelf):
    """Runs every deployment whose image somebody built."""

    def workloads(self, namespace: str) -> Sequence[Workload]:
        return [
            Workload(namespace, one["metadata"]["name"], 2, ready, ready, ready)
            for one in self.list_objects("Deployment", namespace)
            for ready in (0 if NEVER_BUILT in str(one["spec"]) else 2,)
        ]

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        raise NotImplementedError

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {}


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    container = {"name": "api", "image": "registry/api:1042-3f9c2ab"}
    found.put(REF, spec={"replicas": 2, "template": {"spec": {"containers": [container]}}})
    found.put(Ref("ConfigMap", SPACE, "api"), data={"PLAIN": "1"})
    return found


def practice(cluster: Cluster, folder: Path, said: str = "") -> OfVersion:
    fleet = Fleet(cluster, SPACE, SystemClock())
    return OfVersion(fleet, cluster, cluster, "api", lambda: said, folder / "version.json", Clock())


def test_what_cannot_start_is_replaced_by_what_was_known_to_be_good(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.objects[REF]["spec"]
    found = practice(cluster, tmp_path)
    assert "definitions of shop-green were kept" in found.fit()
    assert found.strike("x") == "api has no pod that is ready: api has 0 ready of 2"
    assert list(found.left_behind()) == ["api is not as it was", "api has 0 ready of 2"]
    assert "last known good version" in found.redeploy()
    assert cluster.objects[REF]["spec"] == before
    assert list(found.left_behind()) == []
    assert found.health() == "every service says that it is well"
    found.clear()
    assert not found.file.exists()


def test_a_version_that_a_killed_drill_left_is_replaced_by_the_next(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.objects[REF]["spec"]
    killed = practice(cluster, tmp_path)
    killed.fit()
    killed.strike("x")
    with pytest.raises(NotBegun, match="not ended"):
        practice(cluster, tmp_path).fit()
    assert practice(cluster, tmp_path).heal() == "shop-green is as it was"
    assert cluster.objects[REF]["spec"] == before
    assert practice(cluster, tmp_path).heal() == ""


def test_what_is_not_whole_is_not_broken_and_who_is_unwell_is_named(cluster: Cluster, tmp_path: Path) -> None:
    found = practice(cluster, tmp_path, said="api answers 503")
    with pytest.raises(NotProven, match="api answers 503"):
        found.health()
    found.strike("x")
    with pytest.raises(NotBegun, match="not whole to begin with: api has 0 ready of 2"):
        found.fit()
