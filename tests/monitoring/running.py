"""The monitoring's real processes, a PostgreSQL, and a small stand-in for the cluster's API."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import yaml
from aiohttp import web

from fixtures.lab.layout import Layout
from fixtures.lab.pki import Authority
from fixtures.lab.process import Part, Running

Object = dict[str, Any]


@contextmanager
def part(layout: Layout, name: str, command: list[str], url: str) -> Iterator[Running]:
    """A process, once its `url` answers at all."""
    layout.logs.mkdir(parents=True, exist_ok=True)
    running = Running(Part(name, command), layout.logs / f"{name}.log")
    try:
        wait_until(lambda: _answers(running, url))
        yield running
    finally:
        running.stop()


@contextmanager
def monitoring(layout: Layout) -> Iterator[Running]:
    """The sink and the exporter."""
    (layout.home / "layout.json").write_text(json.dumps({"subnet": layout.subnet, "system": "none"}))
    command = [sys.executable, "-m", "fixtures.lab.monitoring", "--home", str(layout.home)]
    with part(layout, "monitoring", command, f"http://{layout.sink}/health") as running:
        yield running


def messages(layout: Layout, since: float = 0) -> list[Object]:
    found: list[Object] = httpx.get(f"http://{layout.sink}/messages", params={"since": since}).json()
    return found


def query(layout: Layout, promql: str) -> list[Object]:
    answer = httpx.get(f"http://{layout.prometheus}/api/v1/query", params={"query": promql}).json()
    found: list[Object] = answer["data"]["result"]
    return found


def wait_until(true: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s")
        time.sleep(0.05)


def _answers(running: Running, url: str) -> bool:
    running.must_live()
    try:
        return httpx.get(url).status_code < 500
    except httpx.TransportError:
        return False


@contextmanager
def cluster(layout: Layout, pods: list[Object], nodes: list[Object], pages: dict[str, str]) -> Iterator[None]:
    """An API server that lists these objects and never tells of a change, and `pages` (host:port/path -> metrics) with
    it; those on the kubelet's port over TLS. Whoever has no token is sent away."""
    token = "let-prometheus-in"
    authority = Authority.create(layout.pki)
    (layout.pki / "prometheus.token").write_text(token)
    hosts = {page.split("/")[0] for page in pages}
    names = [layout.api.split(":")[0], *(host.split(":")[0] for host in hosts)]
    authority.issue(names).write(layout.pki, "apiserver")
    _write_kubeconfig(layout, token)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(layout.pki / "apiserver.crt", layout.pki / "apiserver.key")

    async def objects(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {token}":
            raise web.HTTPUnauthorized
        if request.query.get("watch"):
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            await asyncio.sleep(60)
            return response
        items = pods if request.path.endswith("/pods") else nodes
        kind = "PodList" if request.path.endswith("/pods") else "NodeList"
        listed = {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}
        return web.json_response(listed)

    async def page(request: web.Request) -> web.Response:
        secure = request.scheme == "https"
        if secure and request.headers.get("Authorization") != f"Bearer {token}":
            raise web.HTTPUnauthorized
        return web.Response(text=pages[f"{request.host}{request.path}"])

    async def start() -> None:
        for address in (layout.api, *hosts):
            app = web.Application()
            app.router.add_get("/api/v1/{kind:.*}", objects) if address == layout.api else None
            app.router.add_get("/{path:.*}", page)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            host, port = address.rsplit(":", 1)
            secure = tls if port in ("6443", "10250") else None
            await web.TCPSite(runner, host, int(port), ssl_context=secure).start()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _write_kubeconfig(layout: Layout, token: str) -> None:
    there = {"server": f"https://{layout.api}", "certificate-authority": str(layout.pki / "ca.crt")}
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": there}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    layout.kubeconfig.write_text(yaml.safe_dump(config))


async def _end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
