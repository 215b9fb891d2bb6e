"""Scheduler, garbage collector, namespaces, endpoints, budgets, jobs: the rest of what keeps a cluster true."""

from __future__ import annotations

from tests.control.lab import Cluster, Object, Space, container, deployment, eventually, is_ready, probe

TASK = "registry.lab:5000/task:1.0"


def job(name: str, code: str, **spec: object) -> Object:
    env = [{"name": "EXIT", "value": code}]
    pod = {"restartPolicy": "Never", "containers": [container(TASK, env=env)]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": pod}, **spec},
    }


# --- scheduler -------------------------------------------------------------------------------------------------------
def test_a_pod_goes_where_its_selector_says(space: Space) -> None:
    space.pod("echo", {"containers": [container()], "nodeSelector": {"pool": "system"}})
    assert space.ready("echo")["spec"]["nodeName"] == "node-3"


def test_a_pod_that_fits_nowhere_is_pending_and_says_why(space: Space) -> None:
    space.pod("echo", {"containers": [container()], "nodeSelector": {"pool": "moon"}})

    def unschedulable() -> Object | None:
        conditions = (space.get("pods", "echo").get("status") or {}).get("conditions") or ()
        return next((c for c in conditions if c.get("reason") == "Unschedulable"), None)

    found = eventually(unschedulable)
    assert found
    assert found["status"] == "False"
    assert found["message"].startswith("0/3 nodes are available: 3 node(s) didn't match")
    eventually(lambda: "FailedScheduling" in space.cluster.reasons(space.name, "echo"))


def test_a_cordoned_node_takes_nothing_until_it_is_uncordoned(space: Space) -> None:
    path = "/api/v1/nodes/node-3"
    try:
        space.cluster.patch(path, {"spec": {"unschedulable": True}})
        eventually(lambda: space.cluster.get(path)["spec"].get("taints"))
        space.pod("echo", {"containers": [container()], "nodeSelector": {"pool": "system"}})
        eventually(lambda: "FailedScheduling" in space.cluster.reasons(space.name, "echo"))
        assert "nodeName" not in space.get("pods", "echo")["spec"]
    finally:
        space.cluster.patch(path, {"spec": {"unschedulable": None}})
    space.ready("echo")
    eventually(lambda: not space.cluster.get(path)["spec"].get("taints"))


# --- garbage collector -----------------------------------------------------------------------------------------------
def up(space: Space) -> None:
    space.create("deployments", deployment("web"))
    eventually(lambda: len(space.all("pods")) == 2 and all(map(is_ready, space.all("pods"))))


def test_what_a_deleted_deployment_owned_goes_after_it(space: Space) -> None:
    up(space)
    space.delete("deployments", "web", {"propagationPolicy": "Background"})
    assert space.find("deployments", "web") is None
    eventually(lambda: not space.all("replicasets") and not space.all("pods"))


def test_in_the_foreground_the_owner_goes_last(space: Space) -> None:
    up(space)
    space.delete("deployments", "web", {"propagationPolicy": "Foreground"})
    assert space.get("deployments", "web")["metadata"]["finalizers"] == ["foregroundDeletion"]
    eventually(lambda: space.find("deployments", "web") is None)
    assert not space.all("replicasets")
    assert not space.all("pods")


def test_orphans_stay(space: Space) -> None:
    up(space)
    space.delete("deployments", "web", {"propagationPolicy": "Orphan"})
    eventually(lambda: space.find("deployments", "web") is None)
    (replica_set,) = space.all("replicasets")
    assert not replica_set["metadata"].get("ownerReferences")
    assert len(space.all("pods")) == 2
    space.create("deployments", deployment("web"))  # which takes them in again
    eventually(lambda: space.all("replicasets")[0]["metadata"].get("ownerReferences"))
    assert len(space.all("replicasets")) == 1


# --- namespaces, endpoints, budgets ----------------------------------------------------------------------------------
def test_a_namespace_has_a_default_service_account_and_is_emptied_when_it_goes(cluster: Cluster) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "doomed"}})
    space = Space(cluster, "doomed")
    eventually(lambda: space.find("serviceaccounts", "default"))
    up(space)
    space.create("configmaps", {"metadata": {"name": "config"}, "data": {}})
    cluster.delete("/api/v1/namespaces/doomed")
    assert cluster.get("/api/v1/namespaces/doomed")["status"]["phase"] == "Terminating"
    eventually(lambda: cluster.find("/api/v1/namespaces/doomed") is None)
    assert not space.all("pods")
    assert not space.all("configmaps")


def test_endpoints_are_the_ready_pods_of_a_service(space: Space) -> None:
    ports = [{"port": 80, "targetPort": 8080, "name": "http"}]
    space.create(
        "services", {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    )
    up(space)
    ips = {pod["status"]["podIP"] for pod in space.all("pods")}

    def listed() -> set[str]:
        subsets = (space.find("endpoints", "web") or {}).get("subsets") or [{}]
        return {address["ip"] for address in subsets[0].get("addresses") or ()}

    eventually(lambda: listed() == ips)
    assert space.get("endpoints", "web")["subsets"][0]["ports"] == [
        {"name": "http", "port": 8080, "protocol": "TCP"}
    ]
    (piece,) = space.all("endpointslices", "kubernetes.io/service-name=web")
    assert {address for endpoint in piece["endpoints"] for address in endpoint["addresses"]} == ips
    space.patch("deployments", "web", {"spec": {"replicas": 0}})
    eventually(lambda: not listed())


def test_a_budget_says_how_many_pods_may_go(space: Space) -> None:
    selector = {"matchLabels": {"app": "web"}}
    up(space)
    space.create(
        "poddisruptionbudgets",
        {"metadata": {"name": "web"}, "spec": {"minAvailable": 1, "selector": selector}},
    )

    def allowed() -> int | None:
        found: int | None = (space.get("poddisruptionbudgets", "web").get("status") or {}).get(
            "disruptionsAllowed"
        )
        return found

    eventually(lambda: allowed() == 1)
    names = [pod["metadata"]["name"] for pod in space.all("pods")]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": names[0]}}
    space.cluster.create(space.path("pods", names[0]) + "/eviction", eviction)
    eventually(lambda: names[0] not in {pod["metadata"]["name"] for pod in space.all("pods")})
    eventually(lambda: allowed() == 1)


# --- jobs ------------------------------------------------------------------------------------------------------------
def test_a_job_runs_to_its_completions(space: Space) -> None:
    space.create("jobs", job("count", "0", completions=3, parallelism=2))
    eventually(lambda: space.get("jobs", "count")["status"].get("succeeded") == 3)
    conditions = {c["type"]: c["status"] for c in space.get("jobs", "count")["status"]["conditions"]}
    assert conditions["Complete"] == "True"
    assert len(space.all("pods")) == 3


def test_a_job_that_keeps_failing_fails(space: Space) -> None:
    space.create("jobs", job("fail", "1", backoffLimit=1))

    def failed() -> bool:
        conditions = (space.get("jobs", "fail").get("status") or {}).get("conditions") or ()
        return any(c["type"] == "Failed" and c["reason"] == "BackoffLimitExceeded" for c in conditions)

    eventually(failed)
    assert space.get("jobs", "fail")["status"]["failed"] == 2


def test_a_job_can_clean_up_after_itself(space: Space) -> None:
    space.create("jobs", job("short", "0", ttlSecondsAfterFinished=0))
    eventually(lambda: space.find("jobs", "short") is None and not space.all("pods"))


def test_a_cron_job_starts_what_was_due(space: Space) -> None:
    template = {"spec": job("x", "0")["spec"]}
    body = {"metadata": {"name": "tick"}, "spec": {"schedule": "@yearly", "jobTemplate": template}}
    space.create("cronjobs", {"apiVersion": "batch/v1", "kind": "CronJob", **body})
    past = {"status": {"lastScheduleTime": "2020-01-01T00:00:00Z"}}
    space.cluster.patch(space.path("cronjobs", "tick") + "/status", past)
    found = eventually(lambda: space.all("jobs"))
    assert len(found) == 1  # what was missed is not made up for
    assert found[0]["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    eventually(lambda: space.get("cronjobs", "tick")["status"]["lastScheduleTime"] > "2020-01-01T00:00:00Z")


def test_a_pod_that_asks_for_more_than_any_node_has_is_not_placed(space: Space) -> None:
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    space.pod("echo", {"containers": [container(resources=resources, readinessProbe=probe())]})
    space.ready("echo")
    space.pod("huge", {"containers": [container(resources={"requests": {"cpu": "500"}})]})
    eventually(lambda: "FailedScheduling" in space.cluster.reasons(space.name, "huge"))
    (event,) = space.cluster.events(space.name, "huge")
    assert event["message"] == "0/3 nodes are available: 3 Insufficient cpu."
