"""The maintenance page of the emergency procedure, as in Istio: a rule of the VirtualService answers by itself."""

from __future__ import annotations

import base64
import ssl
from typing import Any

import httpx
import pytest

from fixtures.lab.layout import Layout
from tests.mesh.manifests import Object, front_route
from tests.mesh.running import Mesh, Pods, wait_until
from tests.mesh.test_front_door import canary, side, url, without

PAGE = (
    f"<!doctype html><html lang=zh-Hant><title>維護中</title><p>系統維護中，請稍後再試。{'。' * 900}</html>"
)
HEADERS = {"content-type": "text/html; charset=utf-8", "retry-after": "120", "cache-control": "no-store"}
BODIES = [{"string": PAGE}, {"bytes": base64.b64encode(PAGE.encode()).decode()}]


def maintenance(body: dict[str, str]) -> Object:
    rule: dict[str, Any] = {
        "directResponse": {"status": 503, "body": body},
        "headers": {"response": {"set": HEADERS}},
    }
    return front_route(rule)


@pytest.mark.parametrize("body", BODIES, ids=["string", "bytes"])
def test_everybody_is_shown_the_page_also_those_who_stay_connected_and_who_ask_for_green(
    mesh: Mesh, layout: Layout, objects: list[Object], trust: ssl.SSLContext, body: dict[str, str]
) -> None:
    mesh.apply(canary(objects, 0))
    with httpx.Client(verify=trust) as kept:
        wait_until(lambda: side(kept, layout) == "blue")
        mesh.apply([*without(objects, "VirtualService"), maintenance(body)])
        assert wait_until(lambda: kept.get(url(layout)).status_code == 503, 2) < 1
        for headers in ({}, {"canary": "true"}):
            for path in ("/", "/api/v1/data-records"):
                answer = kept.post(url(layout, path), headers=headers, content=b"{}")
                assert (answer.status_code, answer.text) == (503, PAGE)
                assert HEADERS.items() <= dict(answer.headers).items()
                assert "x-served-side" not in answer.headers
        mesh.apply(canary(objects, 0))
        wait_until(lambda: side(kept, layout) == "blue", 2)


def test_the_page_needs_nobody_behind_it(
    mesh: Mesh, layout: Layout, objects: list[Object], pods: Pods, trust: ssl.SSLContext
) -> None:
    for ip in [ip for ip in pods.stops if ip != layout.database.rsplit(":", 1)[0]]:
        pods.stop(ip)
    mesh.apply([*without(objects, "VirtualService", "Pod"), maintenance(BODIES[0])])
    with httpx.Client(verify=trust) as http:
        wait_until(lambda: http.get(url(layout)).text == PAGE, 2)
