"""Hwayo's API by hand, on both sides: answers as docs/hwayo-api.md says, until a test has it answer otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from fixtures.clock import Clock
from fixtures.platforms.abilities import Reply
from fixtures.probes.sink import Message, Sink
from fixtures.target import Credential, Side, Sides
from fixtures.target.environment import Stores
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings
from tests.suites.recorded import SERVICES, TAG, around, healthy, the_check

Handler = Callable[[httpx.Request], httpx.Response]
PEOPLE = {"user": "inspector", "password": "right", "customer": "customer", "customer_password": "right"}


class HwayoByHand:
    """Hwayo's API on one side as docs/hwayo-api.md has it, kept in memory. `wrong` replaces single answers."""

    def __init__(self, side: str = "green", database: dict[int, dict[str, Any]] | None = None) -> None:
        self.side = side
        self.records = {} if database is None else database
        self.trail: list[dict[str, Any]] = []
        self.out: set[str] = set()
        self.messages: list[Message] = []
        self.wrong: dict[str, Handler] = {}
        self.pod = "api-gateway-1"
        self.version = TAG

    def __call__(self, request: httpx.Request) -> httpx.Response:
        key = f"{request.method} {request.url.path}"
        handler = self.wrong.get(key) or self.wrong.get(request.url.path) or self._right
        response = handler(request)
        for name, value in (("side", self.side), ("version", self.version), ("by", self.pod)):
            response.headers.setdefault(f"x-served-{name}", value)
        return response

    def _right(self, request: httpx.Request) -> httpx.Response:
        method, path = request.method, request.url.path
        body = json.loads(request.content) if request.content else {}
        who = request.headers.get("authorization", "").removeprefix("Bearer ").partition(" ")[0]
        if path.endswith("/health"):
            return httpx.Response(200, json={"status": "ok", "side": self.side})
        if path in ("/login", "/portal"):
            return httpx.Response(200, text="<!doctype html><html></html>")
        if path == "/api/v1/auth/login":
            return self._login(body)
        if not who.startswith("token-") or who in self.out:
            return httpx.Response(401, json={"error": "no token"})
        user = who.removeprefix("token-").partition("-")[0]
        if path == "/api/v1/auth/logout":
            self.out.add(who)
            return httpx.Response(204)
        if path == "/api/v1/me":
            return httpx.Response(200, json={"username": user})
        return self._work(f"{method} {path}", user, body)

    def _login(self, body: dict[str, Any]) -> httpx.Response:
        if body.get("password") != "right":
            return httpx.Response(401, json={"error": "wrong"})
        self.trail.append({"operation": "login", "actor": body["username"]})
        return httpx.Response(200, json={"token": f"token-{body['username']}-{len(self.trail)}"})

    def _work(self, what: str, user: str, body: dict[str, Any]) -> httpx.Response:
        records = list(self.records.values())
        match what.split("/")[0] + what.split("/api/v1/")[1].rstrip("0123456789"):
            case "POST data-records":
                return self._submit(user, body)
            case "GET data-records" | "GET data-records/" if user == "customer":
                return httpx.Response(403, json={"error": "role"})
            case "GET data-records":
                return httpx.Response(200, json={"records": records})
            case "GET data-records/":
                found = self.records.get(int(what.rpartition("/")[2]))
                self.trail.append({"operation": "record.view", "actor": user})
                return httpx.Response(200, json=found) if found else httpx.Response(404)
            case "GET portal/records":
                return httpx.Response(
                    200, json={"records": [one for one in records if one["customer"] == user]}
                )
            case "GET audit":
                return httpx.Response(200, json={"entries": self.trail})
            case "POST reports/generate":
                return httpx.Response(202, json={"id": body["record"]})
            case "GET reports/":
                number = what.rpartition("/")[2]
                return httpx.Response(200, json={"status": "done", "url": f"/api/v1/content/{number}"})
            case "GET content/":
                return httpx.Response(200, text=self.records[int(what.rpartition("/")[2])]["project"])
            case "GET notifications":
                told = [{"id": 1, "body": one["project"], "status": "delivered"} for one in records]
                return httpx.Response(200, json={"notifications": told})
        return httpx.Response(404)

    def _submit(self, user: str, body: dict[str, Any]) -> httpx.Response:
        if body["inspected_on"] > "2100" or body["inspected_on"] > f"{_tomorrow()}":
            return httpx.Response(422, json={"error": "validation"})
        number = len(self.records) + 1
        self.records[number] = {**body, "id": number, "inspector": user}
        self.trail.append({"operation": "record.create", "actor": user})
        self.messages.append(Message(9e9, "app", body["customer"], {"body": body["project"]}))
        return httpx.Response(201, json=self.records[number])


def _tomorrow() -> str:
    from datetime import UTC, datetime, timedelta

    return f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"


class KeptSink(Sink):
    """A sink that is read without asking anybody."""

    def __init__(self, messages: list[Message]) -> None:
        self._messages = messages

    def messages(self, since: float) -> list[Message]:
        return [one for one in self._messages if one.at >= since]


class FakeClock:
    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def details(name: str | None, *, ok: bool = True, status: int = 200, cache: str = "1") -> Reply:
    check = {"ok": ok, "name": name} | ({} if ok else {"error": "connection refused"})
    checks = {} if name is None else {"database": check, "cache": {"ok": True, "name": cache}}
    return Reply(status, {}, json.dumps({"status": "ok", "checks": checks}), 0.01)


class Stage:
    """Green and blue with databases of their own, and everything in order."""

    def __init__(self) -> None:
        self.green, self.blue = HwayoByHand("green"), HwayoByHand("blue")
        self.platform = healthy()
        self.platform.replies = {name: details("hwayo_green") for name in SERVICES} | {
            "web-app": details(None)
        }
        self.clock = FakeClock()

    def surroundings(self, clock: Clock | None = None) -> Surroundings:
        url = "postgresql://x:y@db/"
        stores = Sides[Credential].model_construct(
            blue=Credential.of_lab(f"{url}hwayo"), green=Credential.of_lab(f"{url}hwayo_green")
        )
        made = around(
            self.platform,
            {Side.GREEN: httpx.MockTransport(self.green), Side.BLUE: httpx.MockTransport(self.blue)},
            clock or self.clock,
            stores=Stores.model_construct(database=stores),
            credentials={name: Credential.of_lab(value) for name, value in PEOPLE.items()},
        )
        made.sink = KeptSink(self.green.messages)
        return made

    def seen(self, name: str, **other: Any) -> Measurement:
        return measure(the_check(name, **other), self.surroundings())


def says(status: int, body: object = "", **headers: str) -> Handler:
    named = {name.replace("_", "-"): one for name, one in headers.items()}
    if isinstance(body, str):
        return lambda _: httpx.Response(status, headers=named, text=body)
    return lambda _: httpx.Response(status, headers=named, json=body)
