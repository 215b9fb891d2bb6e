"""Tells what a pod is: its environment, its files, what it can reach. Misbehaves when asked to."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from aiohttp import ClientSession, web

_KEPT: list[bytes] = []


async def health(_: web.Request) -> web.Response:
    ill = Path(os.environ["POD_ROOT"], "etc/config/ill")
    return web.Response(status=503 if ill.exists() and ill.read_text().strip() == "yes" else 200)


async def environment(_: web.Request) -> web.Response:
    return web.json_response({"env": dict(os.environ), "cwd": str(Path.cwd()), "pid": os.getpid()})


async def file(request: web.Request) -> web.Response:
    return web.Response(text=Path(os.environ["POD_ROOT"], request.query["path"]).read_text())


async def leave(request: web.Request) -> web.Response:
    os._exit(int(request.query["code"]))


async def keep(request: web.Request) -> web.Response:
    _KEPT.append(os.urandom(int(request.query["mib"]) * 2**20))
    return web.Response()


async def say(request: web.Request) -> web.Response:
    print(request.query["text"])
    return web.Response()


async def burn(request: web.Request) -> web.Response:
    """Seconds of CPU, however long that takes."""
    end = time.process_time() + float(request.query["s"])
    while time.process_time() < end:
        pass
    return web.Response()


async def whoami(request: web.Request) -> web.Response:
    return web.json_response({"pod": os.environ["POD_NAME"], "peer": request.remote})


async def fetch(request: web.Request) -> web.Response:
    """What another address says, or how it could not be reached."""
    async with ClientSession() as http:
        try:
            async with http.get(request.query["url"]) as answer:
                return web.Response(text=await answer.text())
        except OSError as error:
            return web.Response(status=502, text=f"{type(error).__name__}: {error}")


async def main() -> None:
    app = web.Application()
    routes = {
        "/health": health,
        "/env": environment,
        "/file": file,
        "/leave": leave,
        "/keep": keep,
        "/say": say,
    }
    routes |= {"/burn": burn, "/whoami": whoami, "/fetch": fetch}
    for path, handler in routes.items():
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, os.environ["POD_IP"], int(os.environ.get("PORT", "8080"))).start()
    print(f"echo {os.environ['POD_IMAGE']} listens")
    try:
        await asyncio.Event().wait()
    finally:
        print("echo leaves")
        await runner.cleanup()
