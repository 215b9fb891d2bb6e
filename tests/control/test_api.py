"""The client of the cluster API: what it sends, how it fails, and an informer that stays true whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from fixtures.lab.api import Access, Api, ApiError, Informer, Object, Pulse, UnreachableError
from tests import loops

PATH = "/api/v1/configmaps"


def item(name: str, version: int, **data: str) -> Object:
    return {
        "metadata": {"namespace": "n", "name": name, "uid": name, "resourceVersion": str(version)},
        "data": data,
    }


@dataclass
class Store:
    """An API server's smallest heart: a list with a version, watches that a test feeds by hand."""

    version: int = 1
    items: list[Object] = field(default_factory=list)
    watches: asyncio.Queue[asyncio.Queue[Object | None]] = field(default_factory=asyncio.Queue)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[tuple[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, dict(request.query)))
        if request.method != "GET":
            self.bodies.append((request.content_type, json.loads(await request.text() or "null")))
            return web.json_response(item("answered", self.version))
        if request.query.get("watch") != "true":
            body = {"kind": "ConfigMapList", "apiVersion": "v1", "items": self.items}
            return web.json_response({**body, "metadata": {"resourceVersion": str(self.version)}})
        return await self._watch(request)

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        events: asyncio.Queue[Object | None] = asyncio.Queue()
        self.watches.put_nowait(events)
        while (event := await events.get()) is not None:
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    async def refuse(self, _: web.Request) -> web.Response:
        said = {"kind": "Status", "code": 409, "reason": "Conflict", "message": "it has been modified"}
        return web.json_response(said, status=409)

    async def break_down(self, _: web.Request) -> web.Response:
        return web.Response(status=502, text="bad gateway")


@asynccontextmanager
async def cluster() -> AsyncIterator[tuple[Store, Api]]:
    store = Store()
    app = web.Application()
    app.router.add_route("*", PATH, store.handle)
    app.router.add_route("*", "/refused", store.refuse)
    app.router.add_route("*", "/broken", store.break_down)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with Api(Access(f"http://127.0.0.1:{runner.addresses[0][1]}", None, "token")) as api:
            yield store, api
    finally:
        await runner.cleanup()


@asynccontextmanager
async def informer() -> AsyncIterator[tuple[Store, Informer, asyncio.Queue[Object | None]]]:
    """Synced with one object, `a`, at version 5, and its first watch open."""
    async with cluster() as (store, api):
        store.version, store.items = 5, [item("a", 3, colour="red")]
        found = Informer(api, PATH)
        task = asyncio.create_task(found.run())
        try:
            async with asyncio.timeout(5):
                yield store, found, await store.watches.get()
        finally:
            task.cancel()


def colours(found: Informer) -> dict[str, str]:
    return {name: thing["data"].get("colour", "") for (_, name), thing in found.objects.items()}


def test_what_is_sent_is_what_the_server_understands() -> None:
    async def main() -> None:
        async with cluster() as (store, api):
            await api.post(PATH, {"a": 1}, {"dryRun": "All"})
            await api.patch(PATH, {"a": 2})
            await api.patch(PATH, [{"op": "remove", "path": "/a"}], "json")
            await api.delete(PATH, {"propagationPolicy": "Foreground"})
            await api.delete(PATH, query={"orphan": False})
            assert store.bodies == [
                ("application/json", {"a": 1}),
                ("application/merge-patch+json", {"a": 2}),
                ("application/json-patch+json", [{"op": "remove", "path": "/a"}]),
                ("application/json", {"propagationPolicy": "Foreground"}),
                ("application/octet-stream", None),
            ]
            assert store.asked[0][1] == {"dryRun": "All"}
            assert store.asked[-1][1] == {"orphan": "false"}

    loops.run(main())


def test_a_refusal_says_who_what_and_why() -> None:
    async def main() -> None:
        async with cluster() as (_, api):
            with pytest.raises(ApiError) as refused:
                await api.put("/refused", {})
            assert refused.value.is_conflict
            assert str(refused.value) == "/refused: 409 Conflict: it has been modified"
            with pytest.raises(ApiError) as broken:
                await api.get("/broken")
            assert (broken.value.status, broken.value.message) == (502, "bad gateway")

    loops.run(main())


def test_no_answer_is_an_api_error_too() -> None:
    async def main() -> None:
        async with Api(Access("http://127.250.250.250:1", None)) as api:
            with pytest.raises(UnreachableError) as silent:
                await api.get("/")
            assert silent.value.status == 0

    loops.run(main())


def test_a_kubeconfig_with_paths_beside_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    config = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1/"}}],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    assert Access.from_kubeconfig(path) == Access("http://127.0.0.1:1", None, "from a file")
    config["current-context"] = "other"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(KeyError, match="other"):
        Access.from_kubeconfig(path)


def test_an_informer_lists_then_follows() -> None:
    async def main() -> None:
        async with informer() as (store, found, events):
            assert found.synced.is_set()
            assert found.objects["n", "a"]["kind"] == "ConfigMap"  # lists leave it out of their items
            assert store.asked[-1][1]["resourceVersion"] == "5"
            seen = found.pulse.count
            events.put_nowait({"type": "ADDED", "object": item("b", 6, colour="blue")})
            events.put_nowait({"type": "MODIFIED", "object": item("a", 7, colour="green")})
            events.put_nowait({"type": "DELETED", "object": item("b", 8)})
            while colours(found) != {"a": "green"}:
                seen = await found.pulse.after(seen)

    loops.run(main())


def test_handlers_hear_what_was_and_what_is() -> None:
    async def main() -> None:
        async with informer() as (_, found, events):
            heard = []

            def note(before: Object | None, after: Object | None) -> None:
                heard.append(tuple(thing and thing["data"].get("colour") for thing in (before, after)))

            found.handlers.append(note)
            events.put_nowait({"type": "MODIFIED", "object": item("a", 6, colour="green")})
            events.put_nowait({"type": "DELETED", "object": item("a", 7, colour="green")})
            while found.objects:
                await found.pulse.after(found.pulse.count)
            assert heard == [("red", "green"), ("green", None)]

    loops.run(main())


def test_after_a_break_the_watch_goes_on_where_it_was() -> None:
    async def main() -> None:
        async with informer() as (store, found, events):
            events.put_nowait({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}})
            events.put_nowait(None)
            await store.watches.get()
            assert store.asked[-1][1]["resourceVersion"] == "9"
            assert [query.get("watch") for _, query in store.asked].count(None) == 1  # one list
            assert colours(found) == {"a": "red"}

    loops.run(main())


def test_when_history_is_gone_the_list_is_taken_anew() -> None:
    async def main() -> None:
        async with informer() as (store, found, events):
            deleted = []
            found.handlers.append(lambda before, after: deleted.append(before) if after is None else None)
            store.version, store.items = 20, [item("c", 20, colour="white")]
            events.put_nowait(
                {"type": "ERROR", "object": {"code": 410, "reason": "Expired", "message": "too old"}}
            )
            await store.watches.get()
            assert colours(found) == {"c": "white"}
            assert [gone["metadata"]["name"] for gone in deleted if gone] == ["a"]

    loops.run(main())


def test_a_writer_reads_its_own_write_and_a_late_event_does_not_undo_it() -> None:
    async def main() -> None:
        async with informer() as (_, found, events):
            found.remember(item("a", 8, colour="gold"))
            assert colours(found) == {"a": "gold"}
            events.put_nowait({"type": "MODIFIED", "object": item("a", 6, colour="old news")})
            events.put_nowait({"type": "ADDED", "object": item("b", 7)})
            while "b" not in colours(found):
                await found.pulse.after(found.pulse.count)
            assert colours(found)["a"] == "gold"

    loops.run(main())


def test_what_the_watch_is_past_is_not_remembered() -> None:
    """The answer to a write may arrive after the watch has shown the object's end."""

    async def main() -> None:
        async with informer() as (_, found, events):
            events.put_nowait({"type": "DELETED", "object": item("a", 9)})
            while found.objects:
                await found.pulse.after(found.pulse.count)
            found.remember(item("a", 8, colour="ghost"))
            assert not found.objects

    loops.run(main())


def test_a_pulse_counts_many_beats_as_one_and_wakes_everyone() -> None:
    async def main() -> None:
        pulse = Pulse()
        waiters = [asyncio.create_task(pulse.after(0)) for _ in range(3)]
        await asyncio.sleep(0)
        waiters.pop().cancel()
        await asyncio.sleep(0)
        pulse.beat()
        pulse.beat()
        assert await asyncio.wait_for(asyncio.gather(*waiters), 1) == [2, 2]
        assert await pulse.after(1) == 2  # at once

    loops.run(main())
