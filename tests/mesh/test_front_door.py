"""A real Envoy at the front door: TLS, hosts, canary weights, and the log of what was served."""

from __future__ import annotations

import json
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.pki import Authority
from tests.mesh.manifests import Object, certificate, front_route, gateway, policy, to
from tests.mesh.running import Mesh, wait_until


def url(layout: Layout, path: str = "/") -> str:
    return f"https://{layout.front_door}{path}"


def without(objects: list[Object], *kinds: str) -> list[Object]:
    return [o for o in objects if o["kind"] not in kinds]


def canary(objects: list[Object], weight: int) -> list[Object]:
    """The document's own shape: a header leads to green, and green has its weight of the rest."""
    chosen = {
        "match": [{"headers": {"canary": {"exact": "true"}}}],
        "route": [to("web.green.svc.cluster.local")],
    }
    shared = {"route": [to("web", 100 - weight), to("web.green.svc.cluster.local", weight)]}
    return [*without(objects, "VirtualService"), front_route(chosen, shared)]


def side(http: httpx.Client, layout: Layout, **more: Any) -> str:
    return http.get(url(layout), **more).headers["x-served-side"]


def reachable(layout: Layout, trust: ssl.SSLContext) -> bool:
    try:
        return httpx.get(url(layout), verify=trust).status_code == 200
    except httpx.ConnectError:
        return False


@pytest.mark.parametrize("http2", [False, True], ids=["http/1.1", "h2"])
def test_it_answers_to_the_host_and_to_its_own_address(
    mesh: Mesh, layout: Layout, trust: ssl.SSLContext, http2: bool
) -> None:
    with httpx.Client(verify=trust, http2=http2) as http:
        answer = http.get(url(layout))
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2" if http2 else "HTTP/1.1")
        for host in ("shop.example", "shop.example:8443"):
            assert http.get(url(layout), headers={"host": host}).status_code == 200
        assert http.get(url(layout), headers={"host": "other.example"}).status_code == 404


def test_a_changed_weight_is_live_within_a_second_on_open_connections(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext
) -> None:
    with httpx.Client(verify=trust) as http:
        for weight, wanted in ((100, "green"), (0, "blue"), (100, "green")):
            mesh.apply(canary(objects, weight))
            took_s = wait_until(lambda wanted=wanted: side(http, layout) == wanted, 2)  # type: ignore[misc]
            assert took_s < 0.5
            assert Counter(side(http, layout) for _ in range(20)) == {wanted: 20}


def test_the_canary_header_leads_to_green(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext
) -> None:
    mesh.apply(canary(objects, 0))
    with httpx.Client(verify=trust) as http:
        wait_until(lambda: side(http, layout, headers={"canary": "true"}) == "green")
        assert side(http, layout) == "blue"


def test_the_log_says_who_served_what_when(mesh: Mesh, layout: Layout, trust: ssl.SSLContext) -> None:
    before = datetime.now(UTC).timestamp()
    httpx.get(url(layout, "/orders?status=500"), verify=trust)
    log = layout.logs / "access.log"
    wait_until(lambda: bool(log.read_text()))
    line = json.loads(log.read_text())
    assert before - 0.001 < int(line["start_us"]) / 1e6 < before + 5
    assert line["duration_ms"] >= 0
    assert (line["code"], line["path"], line["side"]) == (500, "/orders?status=500", "blue")
    assert (line["cluster"], line["flags"]) == ("web.blue:80", "-")


@pytest.mark.parametrize(("oldest", "answers"), [("TLSV1_3", False), ("TLSV1_2", True)])
def test_old_tls_is_refused_where_the_gateway_says_so(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext, oldest: str, answers: bool
) -> None:
    mesh.apply([*without(objects, "Gateway"), gateway("blue", "door", minProtocolVersion=oldest)])
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    if answers:
        wait_until(lambda: reachable(layout, trust))
    else:
        with pytest.raises(httpx.ConnectError, match=r"(?i)protocol version|handshake failure"):
            httpx.get(url(layout), verify=trust)


def test_an_expired_certificate_is_seen_by_the_next_client(
    mesh: Mesh, layout: Layout, objects: list[Object], authority: Authority, trust: ssl.SSLContext
) -> None:
    assert reachable(layout, trust)
    address = layout.front_door.rsplit(":", 1)[0]
    old = authority.issue(["shop.example", address], 1, datetime.now(UTC) - timedelta(days=2))
    mesh.apply([*without(objects, "Secret"), certificate("blue", "shop-tls", old)])
    wait_until(lambda: not reachable(layout, trust))
    with pytest.raises(httpx.ConnectError, match="expired"):
        httpx.get(url(layout), verify=trust)


@pytest.mark.parametrize("missing", ["Gateway", "Secret"])
def test_nobody_listens_without_gateway_or_certificate(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext, missing: str
) -> None:
    mesh.apply(without(objects, missing))
    wait_until(lambda: not reachable(layout, trust))
    with pytest.raises(httpx.ConnectError, match="refused"):
        httpx.get(url(layout), verify=trust)
    mesh.apply(objects)
    wait_until(lambda: reachable(layout, trust))


def test_a_policy_that_keeps_the_front_door_out_ends_in_504(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext
) -> None:
    within = [*without(objects, "VirtualService"), front_route({"timeout": "500ms", "route": [to("web")]})]
    closed = policy("blue", "own", ingress=[{"from": [{"podSelector": {}}]}])
    ingress = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}}}
    opened = policy(
        "blue",
        "door",
        ingress=[{"from": [{**ingress, "podSelector": {"matchLabels": {"app": "istio-ingressgateway"}}}]}],
    )
    with httpx.Client(verify=trust) as http:
        mesh.apply([*within, closed])
        wait_until(lambda: http.get(url(layout)).status_code == 504)
        answer = http.get(url(layout))
        assert answer.elapsed.total_seconds() > 0.49  # Envoy looks at its clock once a turn
        mesh.apply([*within, closed, opened])
        wait_until(lambda: http.get(url(layout)).status_code == 200)


def test_a_destination_that_does_not_exist_answers_503(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext
) -> None:
    mesh.apply([*without(objects, "VirtualService"), front_route({"route": [to("nowhere")]})])
    wait_until(lambda: httpx.get(url(layout), verify=trust).status_code == 503)
