"""A real Envoy on a subnet of its own, and small servers that stand for pods."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx
from aiohttp import web

from fixtures.lab.layout import Layout
from fixtures.lab.mesh import command, write_bootstrap
from fixtures.lab.mesh.plan import plan
from fixtures.lab.mesh.publish import Publisher
from fixtures.lab.mesh.snapshot import Snapshot
from fixtures.lab.process import Part, Running
from tests.mesh.manifests import Object


class Pods:
    """HTTP and TCP servers on pod addresses, on a loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.stops: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for ip in list(self.stops):
            self.stop(ip)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def serve(self, ip: str, side: str, port: int = 3000) -> None:
        """Answers every request with its side; /slow takes as many seconds as ?s= says."""

        async def answer(request: web.Request) -> web.Response:
            await asyncio.sleep(float(request.query.get("s", 0)))
            status = int(request.query.get("status", 200))
            seen = dict(request.headers)
            return web.json_response(
                {"path": request.path, "seen": seen}, status=status, headers={"x-served-side": side}
            )

        async def start() -> None:
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", answer)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, ip, port).start()
            self.stops[ip] = runner.cleanup

        self._run(start())

    def echo(self, address: str) -> None:
        """A store: gives back what it is sent."""

        async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(4096):
                writer.write(data)
            writer.close()

        async def start() -> None:
            host, port = address.rsplit(":", 1)
            server = await asyncio.start_server(copy, host, int(port))

            async def stop() -> None:
                server.close()

            self.stops[host] = stop

        self._run(start())

    def stop(self, ip: str) -> None:
        self._run(self.stops.pop(ip)())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)


class Mesh:
    """Envoy, told of a cluster's objects by way of the same files as in the lab."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.publisher = Publisher()
        self.pid = 0

    @contextmanager
    def running(self, objects: list[Object]) -> Iterator[Self]:
        self.apply(objects)
        write_bootstrap(self.layout)
        envoy = Running(Part("envoy", command(self.layout)), self.layout.logs / "envoy.log")
        try:
            wait_until(lambda: self._started(envoy))
            self.pid = envoy.process.pid
            yield self
        finally:
            envoy.stop()

    def apply(self, objects: list[Object]) -> None:
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        self.publisher.publish(plan(Snapshot.of(objects), self.layout))

    def _started(self, envoy: Running) -> bool:
        envoy.must_live()
        try:
            return httpx.get(f"http://{self.layout.envoy_admin}/ready").text == "LIVE\n"
        except httpx.TransportError:
            return False

    def stat(self, name: str) -> int:
        text = httpx.get(f"http://{self.layout.envoy_admin}/stats", params={"filter": f"^{name}$"}).text
        return int(text.rpartition(":")[2])

    def config(self, **query: str) -> Any:
        return httpx.get(f"http://{self.layout.envoy_admin}/config_dump", params=query).json()


def validate(layout: Layout) -> subprocess.CompletedProcess[str]:
    """Envoy's own judgement of the bootstrap; it does not look into the files that it would watch."""
    return subprocess.run(command(layout, "--mode", "validate"), capture_output=True, text=True, check=False)


def wait_until(true: Callable[[], bool], timeout_s: float = 30) -> float:
    """How long it took, in seconds."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > timeout_s:
            raise TimeoutError(f"not within {timeout_s} s")
        time.sleep(0.01)
    return time.monotonic() - started


def client(source: str, **more: Any) -> httpx.Client:
    """An HTTP client that connects from that address, as a pod does."""
    transport = httpx.HTTPTransport(local_address=source, **more)
    return httpx.Client(transport=transport, timeout=5)
