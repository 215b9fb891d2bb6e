"""A real Envoy does what the cluster's objects say: between pods, and to the stores."""

from __future__ import annotations

import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.lab.layout import Layout
from tests.mesh.manifests import Object, pod, policy, to, virtual_service
from tests.mesh.running import Mesh, Pods, client, validate, wait_until

FROM_BLUE: Object = {"from": [{"podSelector": {}}]}


def url(layout: Layout, cluster_ip: str, path: str = "/") -> str:
    return f"http://{layout.vip(cluster_ip)}:{layout.vip_port(layout.vip(cluster_ip), 80)}{path}"


def sides(http: httpx.Client, address: str, times: int, **more: Any) -> Counter[str]:
    return Counter(http.get(address, **more).headers.get("x-served-side", "nobody") for _ in range(times))


def rule(*rules: Object) -> Object:
    return virtual_service("blue", "web", ["web"], http=list(rules))


def test_envoy_finds_nothing_wrong_with_its_bootstrap(mesh: Mesh) -> None:
    judged = validate(mesh.layout)
    assert judged.returncode == 0, judged.stderr
    assert mesh.stat("listener_manager.lds.update_rejected") == 0
    assert mesh.stat("cluster_manager.cds.update_rejected") == 0


def test_a_service_shares_its_requests_among_its_ready_pods(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    def upstreams(http: httpx.Client) -> list[int]:
        for _ in range(20):
            assert http.get(url(layout, "10.96.0.11")).status_code == 200
        text = httpx.get(f"http://{layout.envoy_admin}/clusters", params={"filter": "^web.blue:80$"}).text
        return [int(line.rpartition(":")[2]) for line in text.splitlines() if "::rq_total::" in line]

    with client(layout.pod_ip(1, 9)) as http:
        assert sorted(upstreams(http)) == [10, 10]
        mesh.apply([o for o in objects if o["metadata"]["name"] != "web-2"])
        wait_until(lambda: mesh.stat("cluster.web.blue_80.membership_total") == 1)
        assert len(upstreams(http)) == 1


def test_requests_under_way_outlive_the_coming_and_going_of_pods_beside_theirs(
    mesh: Mesh, layout: Layout, objects: list[Object], pods: Pods
) -> None:
    pods.serve(layout.pod_ip(1, 4), "blue")
    with ThreadPoolExecutor() as pool, client(layout.pod_ip(1, 9)) as http:
        slow = [pool.submit(http.get, url(layout, "10.96.0.11", "/?s=3")) for _ in range(4)]
        wait_until(lambda: mesh.stat("cluster.web.blue_80.upstream_rq_active") == 4)
        for _ in range(10):
            mesh.apply([*objects, pod("blue", "web-3", layout.pod_ip(1, 4))])
            wait_until(lambda: mesh.stat("cluster.web.blue_80.membership_total") == 3)
            assert http.get(url(layout, "10.96.0.11")).status_code == 200
            mesh.apply(objects)
            wait_until(lambda: mesh.stat("cluster.web.blue_80.membership_total") == 2)
            assert http.get(url(layout, "10.96.0.11")).status_code == 200
        assert [answer.result().status_code for answer in slow] == [200] * 4


def test_envoy_watches_few_files(mesh: Mesh, layout: Layout) -> None:
    """An inotify instance each, and a user has 128 of them for everything: more labs than one must fit."""
    handles = []
    for path in Path(f"/proc/{mesh.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # a connection that Envoy closed meanwhile
            handles.append(path.readlink().name)
    assert 0 < sum("inotify" in handle for handle in handles) <= 6


def test_a_service_without_ready_pods_answers_503(mesh: Mesh, layout: Layout, objects: list[Object]) -> None:
    mesh.apply([o for o in objects if o["kind"] != "Pod"])
    wait_until(lambda: mesh.stat("cluster.web.blue_80.membership_total") == 0)
    answer = httpx.get(url(layout, "10.96.0.11"))
    assert (answer.status_code, answer.text) == (503, "no healthy upstream")


def test_a_pod_that_died_unnoticed_answers_503(mesh: Mesh, layout: Layout, pods: Pods) -> None:
    pods.stop(layout.pod_ip(2, 2))
    answer = httpx.get(url(layout, "10.96.0.12"))
    assert answer.status_code == 503
    assert "connect" in answer.text


def test_weights_are_kept(mesh: Mesh, layout: Layout, objects: list[Object]) -> None:
    mesh.apply([*objects, rule({"route": [to("web", 75), to("web.green.svc.cluster.local", 25)]})])
    with client(layout.pod_ip(1, 9)) as http:
        wait_until(lambda: sides(http, url(layout, "10.96.0.11"), 20)["green"] > 0)
        counted = sides(http, url(layout, "10.96.0.11"), 1000)
    assert counted["green"] + counted["blue"] == 1000
    assert 180 < counted["green"] < 320  # five standard deviations around 250


@pytest.mark.parametrize(
    ("condition", "sent", "side"),
    [
        ({"exact": "true"}, "true", "green"),
        ({"exact": "true"}, "true2", "blue"),
        ({"prefix": "tr"}, "true", "green"),
        ({"regex": "t.*e"}, "true", "green"),
        ({"regex": "t.*e"}, "truer", "blue"),
    ],
)
def test_a_header_chooses_the_route(
    mesh: Mesh, layout: Layout, objects: list[Object], condition: Object, sent: str, side: str
) -> None:
    chosen = {"match": [{"headers": {"canary": condition}}], "route": [to("web.green")]}
    marker = {"match": [{"uri": {"exact": "/marker"}}], "directResponse": {"status": 418}}
    mesh.apply([*objects, rule(marker, chosen, {"route": [to("web")]})])
    wait_until(lambda: httpx.get(url(layout, "10.96.0.11", "/marker")).status_code == 418)
    answer = httpx.get(url(layout, "10.96.0.11"), headers={"canary": sent})
    assert answer.headers["x-served-side"] == side


def test_faults_strike_the_share_that_was_asked_for(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    abort = {"abort": {"percentage": {"value": 30.5}, "httpStatus": 555}}
    delay = {"delay": {"percentage": {"value": 100}, "fixedDelay": "200ms"}}
    slow = {"match": [{"uri": {"prefix": "/late"}}], "fault": delay, "route": [to("web")]}
    mesh.apply([*objects, rule(slow, {"fault": abort, "route": [to("web")]})])
    with client(layout.pod_ip(1, 9)) as http:
        wait_until(lambda: http.get(url(layout, "10.96.0.11")).status_code == 555)
        codes = Counter(http.get(url(layout, "10.96.0.11")).status_code for _ in range(1000))
        assert codes[200] + codes[555] == 1000
        assert 230 < codes[555] < 380  # five standard deviations around 305
        for _ in range(3):
            assert http.get(url(layout, "10.96.0.11", "/late")).elapsed.total_seconds() > 0.19


def test_a_route_rewrites_retries_and_gives_up(mesh: Mesh, layout: Layout, objects: list[Object]) -> None:
    moved = {
        "match": [{"uri": {"prefix": "/old/"}}],
        "rewrite": {"uri": "/new/", "authority": "other"},
        "headers": {"request": {"set": {"x-set": "1"}}, "response": {"add": {"x-told": "yes"}}},
        "route": [to("web")],
    }
    stubborn = {
        "match": [{"uri": {"prefix": "/retried"}}],
        "retries": {"attempts": 2, "retryOn": "5xx"},
        "route": [to("web")],
    }
    mesh.apply([*objects, rule(moved, stubborn, {"timeout": "300ms", "route": [to("web")]})])
    wait_until(lambda: "x-told" in httpx.get(url(layout, "10.96.0.11", "/old/x")).headers)
    seen = httpx.get(url(layout, "10.96.0.11", "/old/x")).json()
    assert (seen["path"], seen["seen"]["Host"], seen["seen"]["x-set"]) == ("/new/x", "other", "1")
    assert httpx.get(url(layout, "10.96.0.11", "/?s=2")).status_code == 504
    before = mesh.stat("cluster.web.blue_80.upstream_rq_total")
    assert httpx.get(url(layout, "10.96.0.11", "/retried?status=503")).status_code == 503
    assert mesh.stat("cluster.web.blue_80.upstream_rq_total") == before + 3


def test_a_pod_that_has_just_died_costs_nobody_an_answer(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    """It is among the endpoints yet, and nobody listens there any more."""
    mesh.apply([*objects, pod("blue", "web-3", layout.pod_ip(1, 7))])
    wait_until(lambda: mesh.stat("cluster.web.blue_80.membership_total") == 3)
    with client(layout.pod_ip(1, 9)) as http:
        assert sides(http, url(layout, "10.96.0.11"), 60) == Counter(blue=60)
    assert mesh.stat("cluster.web.blue_80.upstream_rq_retry") >= 10


def test_a_pod_that_fails_is_ejected_where_a_destination_rule_asks_for_it(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    ejecting = {
        "consecutive5xxErrors": 2,
        "interval": "1s",
        "baseEjectionTime": "30s",
        "maxEjectionPercent": 100,
    }
    rule_of_all = {"host": "web", "trafficPolicy": {"outlierDetection": ejecting}}
    metadata = {"namespace": "green", "name": "web"}
    mesh.apply([*objects, {"kind": "DestinationRule", "metadata": metadata, "spec": rule_of_all}])
    wait_until(lambda: mesh.stat("cluster_manager.cluster_modified") == 1)
    codes = [httpx.get(url(layout, "10.96.0.12", "/?status=500")).status_code for _ in range(3)]
    assert codes == [500, 500, 503]  # the last one found nobody left
    assert httpx.get(url(layout, "10.96.0.11")).status_code == 200


def test_a_refused_peer_waits_and_is_never_answered(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    mesh.apply([*objects, policy("blue", "own", ingress=[FROM_BLUE])])
    green = client(layout.pod_ip(2, 9))
    wait_until(lambda: not _answers(green, url(layout, "10.96.0.11")))
    with socket.create_connection((layout.vip("10.96.0.11"), 20080), 1, (layout.pod_ip(2, 9), 0)) as refused:
        refused.sendall(b"GET / HTTP/1.1\r\nhost: web\r\n\r\n")
        refused.settimeout(2)
        with pytest.raises(TimeoutError):  # neither an answer, nor a reset, nor an end
            refused.recv(1)
    assert httpx.get(url(layout, "10.96.0.12")).status_code == 200
    with client(layout.pod_ip(1, 9)) as blue:
        assert blue.get(url(layout, "10.96.0.11")).status_code == 200


def test_a_changed_policy_ends_the_connections_it_forbids(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    with client(layout.pod_ip(2, 9)) as green:
        assert green.get(url(layout, "10.96.0.11")).status_code == 200
        mesh.apply([*objects, policy("blue", "own", ingress=[FROM_BLUE])])
        wait_until(lambda: not _answers(green, url(layout, "10.96.0.11")), 3)
        mesh.apply(objects)
        wait_until(lambda: _answers(green, url(layout, "10.96.0.11")), 3)


def test_the_sources_egress_policy_decides_for_a_store(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    host = layout.database.rsplit(":", 1)[0]
    closed = policy("green", "closed", policyTypes=["Egress"])
    opened = policy("blue", "stores", egress=[{"to": [{"ipBlock": {"cidr": f"{host}/32"}}]}])
    assert _echoes(layout, layout.pod_ip(2, 9))
    mesh.apply([*objects, closed, opened])
    wait_until(lambda: not _echoes(layout, layout.pod_ip(2, 9)))
    assert _echoes(layout, layout.pod_ip(1, 9))


def test_connections_outlive_the_coming_and_going_of_other_pods(
    mesh: Mesh, layout: Layout, objects: list[Object]
) -> None:
    objects = [*objects, policy("blue", "own", ingress=[FROM_BLUE])]
    mesh.apply(objects)
    wait_until(lambda: not _answers(httpx.Client(timeout=1), url(layout, "10.96.0.11")))
    with (
        socket.create_connection((layout.vip("10.96.0.13"), 5432), 1, (layout.pod_ip(1, 9), 0)) as store,
        socket.create_connection((layout.vip("10.96.0.11"), 20080), 1, (layout.pod_ip(1, 9), 0)) as web,
    ):
        store.settimeout(2)
        web.settimeout(5)
        web.sendall(b"GET /?s=3 HTTP/1.1\r\nhost: web\r\n\r\n")
        updates = mesh.stat("listener_manager.listener_in_place_updated")
        mesh.apply([*objects, pod("blue", "client-2", layout.pod_ip(1, 10))])
        wait_until(lambda: mesh.stat("listener_manager.listener_in_place_updated") > updates)
        deadline = time.monotonic() + 2.5  # longer than drained connections get
        while time.monotonic() < deadline:
            store.sendall(b"still")
            assert store.recv(5) == b"still"
            time.sleep(0.1)
        assert web.recv(12) == b"HTTP/1.1 200"
    with client(layout.pod_ip(1, 10)) as newcomer:
        assert newcomer.get(url(layout, "10.96.0.11")).status_code == 200


def _answers(http: httpx.Client, address: str) -> bool:
    try:
        return http.get(address, timeout=0.3).status_code == 200
    except httpx.TransportError:
        return False


def _echoes(layout: Layout, source: str) -> bool:
    with socket.create_connection((layout.vip("10.96.0.13"), 5432), 1, (source, 0)) as store:
        store.settimeout(0.3)
        store.sendall(b"there?")
        try:
            return store.recv(6) == b"there?"
        except TimeoutError:
            return False
