"""Argo CD in the lab: what it compares, what it makes of it, and which commit of a real repository it goes by."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from fixtures.lab.argocd import comparing, repository
from fixtures.lab.argocd.comparing import differences, health, key_of, resources, worst
from fixtures.lab.argocd.repository import Revision
from fixtures.lab.layout import Layout
from fixtures.lab.systems.machine_native_ops import SYSTEM
from fixtures.lab.systems.machine_native_ops.catalogue import BLUE, GREEN, SERVICES
from fixtures.lab.systems.machine_native_ops.sides import delivered

Json = dict[str, Any]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    found = Layout(200, tmp_path_factory.mktemp("lab"))
    repository.create(found, SYSTEM.history(found))
    return found


def live(layout: Layout) -> dict[comparing.Key, Json]:
    """Green as it stands when all is well, with what a server adds."""
    made = {}
    for one in delivered(GREEN, layout, GREEN.tag):
        whole = copy.deepcopy(one)
        whole["metadata"] |= {"uid": "1", "generation": 1}
        if one["kind"] == "Deployment":
            whole["spec"]["template"]["spec"]["restartPolicy"] = "Always"
            count = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 3)
            whole["status"] = {"observedGeneration": 1, **count}
        made[key_of(one)] = whole
    return made


def wanted(layout: Layout, revision: str = "main") -> list[Json]:
    commit = repository.resolved(layout.repository, revision)
    return repository.manifests(layout.repository, commit, GREEN.application)


def out_of_sync(layout: Layout, found: dict[comparing.Key, Json], revision: str = "main") -> set[str]:
    made = resources(wanted(layout, revision), found)
    return {f"{one['kind']} {one['name']}" for one in made if one["status"] == "OutOfSync"}


def test_what_the_server_adds_is_no_difference(layout: Layout) -> None:
    assert len(wanted(layout)) > 20
    assert out_of_sync(layout, live(layout)) == set()


def test_what_somebody_changed_by_hand_is_and_nothing_else(layout: Layout) -> None:
    found = live(layout)
    memory = found["Deployment", GREEN.namespace, "memory-service"]
    memory["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "2Gi"
    assert out_of_sync(layout, found) == {"Deployment memory-service"}
    ours = next(one for one in wanted(layout) if key_of(one) == key_of(memory))
    (said,) = differences(ours, memory)
    assert said.endswith("resources.limits.memory is '2Gi', where '1Gi' is wanted")


def test_what_was_added_to_a_list_is(layout: Layout) -> None:
    found = live(layout)
    found["Role", GREEN.namespace, "memory-service"]["rules"].append({"verbs": ["*"]})
    assert out_of_sync(layout, found) == {"Role memory-service"}


def test_what_is_gone_is_missing_and_what_is_left_over_is_to_go(layout: Layout) -> None:
    found = live(layout)
    del found["Service", GREEN.namespace, "redis"]
    extra = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"namespace": GREEN.namespace, "name": "old"},
    }
    found[key_of(extra)] = extra
    made = {one["name"]: one for one in resources(wanted(layout), found) if one["status"] == "OutOfSync"}
    assert set(made) == {"redis", "old"}
    assert made["redis"]["health"] == {"status": "Missing"}
    assert made["old"]["requiresPruning"] is True
    assert "requiresPruning" not in made["redis"]


def test_an_older_commit_wants_what_stood_in_it(layout: Layout) -> None:
    assert out_of_sync(layout, live(layout), "main~1") == set()
    services = {f"Deployment {one.name}" for one in SERVICES}
    assert out_of_sync(layout, live(layout), "main~2") == services
    tags = {
        one["metadata"]["labels"]["version"]
        for one in wanted(layout, "main~2")
        if one["kind"] == "Deployment"
    }
    assert tags == {BLUE.tag}


def test_a_branch_that_nobody_made_is_not_known(layout: Layout) -> None:
    with pytest.raises(repository.Unknown, match="no such revision"):
        repository.resolved(layout.repository, "release/none")
    with pytest.raises(repository.Unknown):
        repository.manifests(layout.repository, repository.head(layout), "nowhere")


def test_a_commit_moves_the_branch_and_is_whole(tmp_path: Path) -> None:
    layout = Layout(200, tmp_path)
    repository.create(layout, [Revision("one", {"a": [{"kind": "ConfigMap"}]})])
    first = repository.head(layout)
    second = repository.commit(layout.repository, Revision("two", {"b": [{"kind": "Secret"}]}))
    assert repository.head(layout) == second != first
    assert repository.manifests(layout.repository, second, "a") == [{"kind": "ConfigMap"}]
    repository.create(layout, [Revision("again", {})])
    assert repository.head(layout) == second


def deployment(**status: Any) -> Json:
    whole = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, **status}
    return {
        "kind": "Deployment",
        "metadata": {"name": "x", "generation": 2},
        "spec": {"replicas": 3},
        "status": whole,
    }


LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, "Missing"),
        ({"kind": "Service", "metadata": {}}, "Healthy"),
        (deployment(), "Healthy"),
        (deployment(observedGeneration=1), "Progressing"),
        (deployment(updatedReplicas=1), "Progressing"),
        (deployment(replicas=4), "Progressing"),
        (deployment(availableReplicas=2), "Progressing"),
        (deployment(availableReplicas=2, conditions=[LATE]), "Degraded"),
    ],
)
def test_how_something_fares_is_told_as_argo_cd_tells_it(found: Json | None, expected: str) -> None:
    assert health(found)[0] == expected


def test_the_worst_counts() -> None:
    assert worst(["Healthy", "Degraded", "Progressing"]) == "Degraded"
    assert worst([]) == "Healthy"
