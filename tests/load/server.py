"""A tiny server to send load to: counts what it serves, and can be slow or wrong.

`python -m tests.load.server` prints its port, and serves until its stdin closes; by TLS, where it is told a folder with
`tls.crt` and `tls.key`."""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web


@dataclass
class Service:
    """What it does wrong, and how many requests it has had. Behaviour is set through `POST /behave?key=value`."""

    served: int = 0
    latency_s: float = 0.0
    slow_every: int = 0  # each n-th request takes `latency_s`; 0: all of them
    fail_every: int = 0
    green_extra_s: float = 0.0
    logins: int = 0
    finished_ns: list[int] = field(default_factory=list)  # when each was answered, on the monotonic clock
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, request: web.Request) -> web.Response:
        self.served += 1
        number = self.served
        side = "green" if request.headers.get("canary") == "true" else "blue"
        if self.latency_s and (not self.slow_every or number % self.slow_every == 0):
            await asyncio.sleep(self.latency_s)
        if side == "green" and self.green_extra_s:
            await asyncio.sleep(self.green_extra_s)
        self.finished_ns.append(time.monotonic_ns())
        status = 500 if self.fail_every and number % self.fail_every == 0 else 200
        return web.Response(status=status, text="ok", headers={"x-served-side": side})

    async def count(self, _: web.Request) -> web.Response:
        return web.json_response({"served": self.served})

    async def finished(self, _: web.Request) -> web.Response:
        return web.json_response(self.finished_ns)

    async def log_in(self, _: web.Request) -> web.Response:
        self.logins += 1
        return web.Response(text="ok", headers={"x-served-side": "blue"})

    async def behave(self, request: web.Request) -> web.Response:
        for key, value in request.query.items():
            setattr(self, key, type(getattr(self, key))(float(value)))
        return web.Response(text="ok")


async def serve(pair: Path | None) -> None:
    service = Service()
    app = web.Application()
    app.router.add_get("/count", service.count)
    app.router.add_get("/finished", service.finished)
    app.router.add_post("/behave", service.behave)
    app.router.add_post("/login", service.log_in)
    app.router.add_route("*", "/work/{any:.*}", service.work)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    tls = None
    if pair is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pair / "tls.crt", pair / "tls.key")
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096, ssl_context=tls)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
