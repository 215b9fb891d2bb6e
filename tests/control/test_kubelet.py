"""A pod is a process, and a kubelet brings it up: image, environment, volumes, probes, init containers."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from tests.control.lab import ECHO, Object, Space, container, eventually, is_ready, probe

TASK = "registry.lab:5000/task:1.0"


def task(**env: str) -> Object:
    return {
        "name": "task",
        "image": TASK,
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }


def test_a_pod_becomes_ready_and_serves_on_its_own_address(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pod = space.ready("echo", 5)
    assert space.ask(pod, "/whoami").json()["pod"] == "echo"
    assert pod["status"]["phase"] == "Running"
    eventually(
        lambda: space.cluster.reasons(space.name, "echo") >= {"Scheduled", "Pulled", "Created", "Started"}
    )


def test_a_process_sees_its_own_environment_and_nothing_else(space: Space) -> None:
    space.create("secrets", {"metadata": {"name": "door"}, "stringData": {"key": "open sesame"}})
    space.create("configmaps", {"metadata": {"name": "tone"}, "data": {"VOICE": "low", "PACE": "slow"}})
    env = [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "door", "key": "key"}}},
        {"name": "URL", "value": "door://$(KEY)@$(HOST)"},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "NOWHERE", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "x", "optional": True}}},
    ]
    main = container(env=env, envFrom=[{"configMapRef": {"name": "tone"}, "prefix": "MY_"}])
    space.pod("echo", {"containers": [{**main, "readinessProbe": probe()}]}, labels={"app": "parrot"})
    pod = space.ready("echo")
    seen = space.ask(pod, "/env").json()
    ip, root = pod["status"]["podIP"], seen["env"].pop("POD_ROOT")
    assert seen["env"] == {
        "KEY": "open sesame",
        "URL": "door://open sesame@$(HOST)",
        "APP": "parrot",
        "IP": ip,
        "MY_VOICE": "low",
        "MY_PACE": "slow",
        "POD_IP": ip,
        "POD_NAME": "echo",
        "POD_NAMESPACE": space.name,
        "POD_IMAGE": ECHO,
    }
    assert seen["cwd"] == root


def test_a_missing_secret_is_named_and_waited_for(space: Space) -> None:
    env = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "door", "key": "key"}}}]
    space.pod("echo", {"containers": [container(env=env, readinessProbe=probe())]})
    assert space.waits("echo", "CreateContainerConfigError")["message"] == 'secret "door" not found'
    space.create("secrets", {"metadata": {"name": "door"}, "stringData": {"other": "x"}})
    message = f"couldn't find key key in Secret {space.name}/door"
    eventually(lambda: space.waits("echo", "CreateContainerConfigError")["message"] == message)
    space.patch("secrets", "door", {"stringData": {"key": "open"}})
    assert space.ask(space.ready("echo"), "/env").json()["env"]["KEY"] == "open"


def test_a_missing_volume_keeps_the_pod_creating_and_says_why(space: Space) -> None:
    volumes = [{"name": "tls", "secret": {"secretName": "certificate"}}]
    main = container(volumeMounts=[{"name": "tls", "mountPath": "/etc/tls"}], readinessProbe=probe())
    space.pod("echo", {"containers": [main], "volumes": volumes})
    eventually(lambda: "FailedMount" in space.cluster.reasons(space.name, "echo"))
    assert space.waits("echo", "ContainerCreating")
    space.create("secrets", {"metadata": {"name": "certificate"}, "stringData": {"tls.crt": "PEM"}})
    pod = space.ready("echo")
    assert space.ask(pod, "/file", path="etc/tls/tls.crt").text == "PEM"


def test_a_config_map_volume_follows_its_object_within_a_second(space: Space) -> None:
    space.create("configmaps", {"metadata": {"name": "config"}, "data": {"mood": "calm"}})
    volumes = [{"name": "config", "configMap": {"name": "config"}}, {"name": "scratch", "emptyDir": {}}]
    mounts = [{"name": "config", "mountPath": "/etc/config"}, {"name": "scratch", "mountPath": "/tmp"}]
    main = container(volumeMounts=mounts, readinessProbe=probe())
    space.pod("echo", {"containers": [main], "volumes": volumes})
    pod = space.ready("echo")
    assert space.ask(pod, "/file", path="etc/config/mood").text == "calm"
    space.patch("configmaps", "config", {"data": {"mood": "stormy", "more": "1"}})
    eventually(lambda: space.ask(pod, "/file", path="etc/config/mood").text == "stormy", 1.0)
    assert space.ask(pod, "/file", path="etc/config/more").text == "1"


def test_an_unknown_tag_is_not_pulled(space: Space) -> None:
    space.pod("echo", {"containers": [container("registry.lab:5000/echo:9.9")]})
    waiting = space.waits("echo", "ImagePullBackOff")
    assert "registry.lab:5000/echo:9.9" in waiting["message"]
    assert space.get("pods", "echo")["status"]["phase"] == "Pending"
    eventually(lambda: space.cluster.reasons(space.name, "echo") >= {"Pulling", "Failed", "BackOff"})


def test_readiness_follows_the_probe(space: Space) -> None:
    space.create("configmaps", {"metadata": {"name": "config"}, "data": {"ill": "no"}})
    main = container(
        volumeMounts=[{"name": "config", "mountPath": "/etc/config"}],
        readinessProbe=probe(failureThreshold=1),
    )
    volumes = [{"name": "config", "configMap": {"name": "config"}}]
    space.pod("echo", {"containers": [main], "volumes": volumes})
    space.ready("echo")
    space.patch("configmaps", "config", {"data": {"ill": "yes"}})
    eventually(lambda: not is_ready(space.get("pods", "echo")), 3)
    eventually(lambda: "Unhealthy" in space.cluster.reasons(space.name, "echo"))
    (event,) = [e for e in space.cluster.events(space.name, "echo") if e["reason"] == "Unhealthy"]
    assert event["message"] == "Readiness probe failed: HTTP probe failed with statuscode: 503"
    space.patch("configmaps", "config", {"data": {"ill": "no"}})
    space.ready("echo", 3)
    assert space.state("echo")["restartCount"] == 0


def test_a_pod_without_a_readiness_probe_is_ready_when_it_runs(space: Space) -> None:
    space.pod("echo", {"containers": [container()]})
    space.ready("echo", 3)


def test_a_failing_liveness_probe_restarts_the_container(space: Space) -> None:
    liveness = probe(failureThreshold=2) | {"httpGet": {"path": "/nowhere", "port": 8080}}
    spec = {"containers": [container(livenessProbe=liveness)], "terminationGracePeriodSeconds": 2}
    space.pod("echo", spec)
    eventually(lambda: space.state("echo").get("restartCount", 0) >= 1)
    eventually(lambda: space.cluster.reasons(space.name, "echo") >= {"Unhealthy", "Killing"})
    assert space.state("echo")["lastState"]["terminated"]["exitCode"] == 0  # it left in its own time


def test_a_startup_probe_holds_the_others_back(space: Space) -> None:
    startup = {"tcpSocket": {"port": 9999}, "periodSeconds": 1, "failureThreshold": 2}
    space.pod("echo", {"containers": [container(startupProbe=startup)], "terminationGracePeriodSeconds": 1})
    eventually(lambda: space.state("echo").get("state", {}).get("running"))
    assert not space.state("echo")["started"]
    eventually(lambda: space.state("echo").get("restartCount", 0) >= 1)
    messages = [event["message"] for event in space.cluster.events(space.name, "echo")]
    assert "Container main failed startup probe, will be restarted" in messages


def test_an_exec_probe_fails_and_says_that_it_is_not_run(space: Space) -> None:
    readiness = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    space.pod("echo", {"containers": [container(readinessProbe=readiness)]})
    eventually(lambda: "Unhealthy" in space.cluster.reasons(space.name, "echo"))
    (event,) = [e for e in space.cluster.events(space.name, "echo") if e["reason"] == "Unhealthy"]
    assert "does not run exec probes" in event["message"]


def test_init_containers_run_to_their_end_one_after_another(space: Space) -> None:
    init = [
        {**task(SECONDS="0.1"), "name": "first"},
        {**task(), "name": "second", "args": ["--deep", "$(EXIT)"]},
    ]
    space.pod("echo", {"initContainers": init, "containers": [container(readinessProbe=probe())]})
    pod = space.ready("echo")
    ended = [status["state"]["terminated"] for status in pod["status"]["initContainerStatuses"]]
    assert [end["exitCode"] for end in ended] == [0, 0]
    assert (
        ended[0]["finishedAt"]
        <= ended[1]["finishedAt"]
        <= pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    )


def test_an_init_container_that_fails_fails_a_pod_that_never_restarts(space: Space) -> None:
    space.pod(
        "echo", {"restartPolicy": "Never", "initContainers": [task(EXIT="3")], "containers": [container()]}
    )
    eventually(lambda: space.get("pods", "echo")["status"].get("phase") == "Failed")
    assert "running" not in space.state("echo")["state"]


def test_a_pod_runs_in_its_own_session_and_keeps_no_file_of_the_zygote_open(space: Space) -> None:
    space.pod("echo", {"containers": [container(readinessProbe=probe())]})
    pid = space.ask(space.ready("echo"), "/env").json()["pid"]
    assert os.getsid(pid) == pid
    opened = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a connection that was closed meanwhile
            opened.add(str(entry.readlink()))
    logs = {path for path in opened if path.startswith("/") and not path.startswith("/dev")}
    assert logs == {path for path in logs if f"{space.name}_echo_" in path}


def test_a_nodes_status_is_a_kubelets(space: Space) -> None:
    node = space.cluster.get("/api/v1/nodes/node-1")
    addresses = {address["type"]: address["address"] for address in node["status"]["addresses"]}
    assert addresses["InternalIP"] == space.cluster.layout.node_ip(1)
    assert node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    sizes = {name: image["sizeBytes"] for image in node["status"]["images"] for name in image["names"]}
    assert sizes[ECHO] == 12_000_000
    assert node["metadata"]["labels"]["pool"] == "application"


def test_a_node_can_be_made_unready(space: Space) -> None:
    path = "/api/v1/nodes/node-3"
    try:
        space.cluster.patch(path, {"metadata": {"annotations": {"lab.verdigris/not-ready": "disk is gone"}}})
        eventually(lambda: not is_ready(space.cluster.get(path)), 2)
        taints = eventually(lambda: space.cluster.get(path)["spec"].get("taints"), 2)
        assert [taint["key"] for taint in taints] == ["node.kubernetes.io/not-ready"]
    finally:
        space.cluster.patch(path, {"metadata": {"annotations": {"lab.verdigris/not-ready": None}}})
    eventually(lambda: is_ready(space.cluster.get(path)), 2)
    eventually(lambda: not space.cluster.get(path)["spec"].get("taints"), 2)


def test_a_kubelet_takes_back_a_status_that_someone_else_wrote(space: Space) -> None:
    path = "/api/v1/nodes/node-2"
    conditions = space.cluster.get(path)["status"]["conditions"]
    false = [{**c, "status": "False"} if c["type"] == "Ready" else c for c in conditions]
    space.cluster.patch(f"{path}/status", {"status": {"conditions": false}})
    eventually(lambda: is_ready(space.cluster.get(path)), 2)
