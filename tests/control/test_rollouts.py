"""A deployment rolls as Kubernetes would roll it."""

from __future__ import annotations

import time

from tests.control.lab import (
    ECHO,
    Object,
    Space,
    container,
    deployment,
    eventually,
    image_change,
    is_ready,
    probe,
)

NEWER = "registry.lab:5000/echo:1.1"
MISSING = "registry.lab:5000/echo:9.9"


def status(space: Space, name: str = "web") -> Object:
    found: Object = space.get("deployments", name).get("status") or {}
    return found


def condition(space: Space, kind: str, name: str = "web") -> Object:
    return next((c for c in status(space, name).get("conditions") or () if c["type"] == kind), {})


def is_complete(space: Space, replicas: int = 2, name: str = "web") -> bool:
    item = space.get("deployments", name)
    seen = item.get("status") or {}
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    told = seen.get("observedGeneration") == item["metadata"]["generation"]
    return told and all(seen.get(count, 0) == replicas for count in counts)


def images(space: Space) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in space.all("pods")}


def revisions(space: Space) -> dict[str, int]:
    """Replicas by revision."""
    key = "deployment.kubernetes.io/revision"
    return {
        item["metadata"]["annotations"][key]: item["spec"]["replicas"] for item in space.all("replicasets")
    }


def test_a_deployment_comes_up_and_says_so(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: is_complete(space))
    assert condition(space, "Available")["reason"] == "MinimumReplicasAvailable"
    assert condition(space, "Progressing")["reason"] == "NewReplicaSetAvailable"
    (replica_set,) = space.all("replicasets")
    assert replica_set["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    pods = space.all("pods", "app=web")
    assert {pod["metadata"]["ownerReferences"][0]["name"] for pod in pods} == {
        replica_set["metadata"]["name"]
    }
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2  # spread
    eventually(lambda: "ScalingReplicaSet" in space.cluster.reasons(space.name, "web"))


def test_a_rolling_update_never_leaves_its_bounds(space: Space) -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    space.create("deployments", deployment("web", 3, strategy=rolling))
    eventually(lambda: is_complete(space, 3))
    space.patch("deployments", "web", image_change(NEWER))
    seen = []

    def look() -> bool:
        pods = [pod for pod in space.all("pods") if not pod["metadata"].get("deletionTimestamp")]
        seen.append((len(pods), sum(map(is_ready, pods))))
        return images(space) == {NEWER} and is_complete(space, 3)

    eventually(look, 15)
    assert max(count for count, _ in seen) <= 4
    assert min(ready for _, ready in seen) >= 3
    assert revisions(space) == {"1": 0, "2": 3}


def test_an_image_that_does_not_exist_stops_the_rollout_and_the_old_pods_serve_on(space: Space) -> None:
    space.create("deployments", deployment("web", progressDeadlineSeconds=2))
    eventually(lambda: is_complete(space))
    space.patch("deployments", "web", image_change(MISSING))
    eventually(lambda: condition(space, "Progressing").get("reason") == "ProgressDeadlineExceeded", 6)
    assert condition(space, "Progressing")["status"] == "False"
    assert sum(is_ready(pod) for pod in space.all("pods")) == 2
    space.patch("deployments", "web", image_change(ECHO))  # back: the first set again, under a new revision
    eventually(lambda: revisions(space) == {"2": 0, "3": 2})
    eventually(lambda: condition(space, "Progressing")["reason"] == "NewReplicaSetAvailable")
    eventually(lambda: images(space) == {ECHO})


def test_recreate_starts_the_new_when_the_old_are_gone(space: Space) -> None:
    space.create("deployments", deployment("web", strategy={"type": "Recreate"}))
    eventually(lambda: is_complete(space))
    space.patch("deployments", "web", image_change(NEWER))
    eventually(lambda: assert_never_mixed(space) and images(space) == {NEWER} and is_complete(space))


def assert_never_mixed(space: Space) -> bool:
    assert len(images(space)) <= 1
    return True


def test_a_paused_deployment_scales_but_does_not_roll(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: is_complete(space))
    space.patch("deployments", "web", {"spec": {"paused": True}})
    eventually(lambda: condition(space, "Progressing")["reason"] == "DeploymentPaused")
    space.patch("deployments", "web", image_change(NEWER))
    space.patch("deployments", "web", {"spec": {"replicas": 3}})
    eventually(lambda: status(space).get("readyReplicas") == 3)
    assert images(space) == {ECHO}
    space.patch("deployments", "web", {"spec": {"paused": False}})
    eventually(lambda: images(space) == {NEWER} and is_complete(space, 3))


def test_scaling_to_zero_and_back(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: is_complete(space))
    scale = space.path("deployments", "web") + "/scale"
    space.cluster.patch(scale, {"spec": {"replicas": 0}})
    eventually(lambda: not space.all("pods"))
    eventually(lambda: status(space).get("replicas", 0) == 0)
    space.cluster.patch(scale, {"spec": {"replicas": 2}})
    eventually(lambda: is_complete(space))
    assert len(space.all("replicasets")) == 1


def test_a_rollout_restart_replaces_every_pod(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: is_complete(space))
    before = {pod["metadata"]["uid"] for pod in space.all("pods")}
    annotation = {"kubectl.kubernetes.io/restartedAt": "2025-01-01T00:00:00Z"}
    space.patch("deployments", "web", {"spec": {"template": {"metadata": {"annotations": annotation}}}})
    eventually(
        lambda: is_complete(space) and not before & {pod["metadata"]["uid"] for pod in space.all("pods")}
    )


def test_history_is_kept_as_long_as_asked(space: Space) -> None:
    space.create("deployments", deployment("web", 1, revisionHistoryLimit=1))
    for image in (NEWER, ECHO, NEWER):
        eventually(lambda: is_complete(space, 1))
        env = [{"name": "ROUND", "value": f"{image} {time.monotonic_ns()}"}]
        change = container(image, env=env, readinessProbe=probe())
        space.patch("deployments", "web", {"spec": {"template": {"spec": {"containers": [change]}}}})
    eventually(lambda: is_complete(space, 1) and set(revisions(space)) == {"3", "4"})


def test_a_killed_pod_is_replaced(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: is_complete(space))
    victim = space.all("pods")[0]["metadata"]
    space.delete("pods", victim["name"], {"gracePeriodSeconds": 0, "preconditions": {"uid": victim["uid"]}})
    eventually(
        lambda: (
            is_complete(space) and victim["name"] not in {p["metadata"]["name"] for p in space.all("pods")}
        )
    )


def test_a_pod_taken_out_by_its_labels_is_let_go_and_replaced(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: is_complete(space))
    name = space.all("pods")[0]["metadata"]["name"]
    space.patch("pods", name, {"metadata": {"labels": {"app": "quarantine"}}})
    eventually(lambda: sum(map(is_ready, space.all("pods", "app=web"))) == 2)
    eventually(lambda: not space.get("pods", name)["metadata"].get("ownerReferences"))
    space.patch("pods", name, {"metadata": {"labels": {"app": "web"}}})
    eventually(lambda: len(space.all("pods", "app=web")) == 2)


def test_a_deployment_that_is_deleted_and_made_anew_comes_up(space: Space) -> None:
    for _ in range(2):
        space.create("deployments", deployment("web"))
        eventually(lambda: is_complete(space))
        space.delete("deployments", "web")
    eventually(lambda: not space.all("replicasets") and not space.all("pods"))


def test_minimum_ready_seconds_hold_availability_back(space: Space) -> None:
    space.create("deployments", deployment("web", 1, minReadySeconds=2))
    eventually(lambda: status(space).get("readyReplicas") == 1)
    assert not status(space).get("availableReplicas")
    eventually(lambda: is_complete(space, 1), 4)
