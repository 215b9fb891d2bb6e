"""The lab's API server answers as a real kube-apiserver did, exchange by exchange."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fixtures.clock import wait_until
from tests.cluster.comparison import Versions, differences, event_differences
from tests.cluster.servers import ApiServer

Exchange = dict[str, Any]
WRITES = ("POST", "PUT", "PATCH", "DELETE")
SESSIONS = (
    "namespaces",
    "deployments",
    "pods",
    "virtualservices",
    "watches",
    "secrets",
    "access",
    "policies",
    "discovery",
)
# What the server answers otherwise, by the exchange's name, with the reason. It only ever gets shorter.
KNOWN_GAPS: dict[str, str] = {}


def read(path: Path) -> dict[str, list[Exchange]]:
    """The exchanges of each session, in order, each with its name."""
    sessions: dict[str, list[Exchange]] = {}
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        row = json.loads(raw)
        if "method" in row:
            name = f"{number} {row['method']} {row['path']}"
            sessions.setdefault(row["session"], []).append({**row, "exchange": name})
    return sessions


def filled(value: Any, saved: dict[str, str]) -> Any:
    """With `${name}` replaced by what was saved under that name."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)}", lambda found: saved[found[1]], value)
    if isinstance(value, dict):
        return {key: filled(child, saved) for key, child in value.items()}
    return [filled(child, saved) for child in value] if isinstance(value, list) else value


class Replay:
    """Plays one session to a server and notes what it answers otherwise."""

    def __init__(self, client: httpx.Client, anonymous: httpx.Client) -> None:
        self.client = client
        self.anonymous = anonymous
        self.saved: dict[str, str] = {}
        self.versions = Versions()
        self.found: dict[str, list[str]] = {}

    def run(self, exchanges: list[Exchange]) -> dict[str, list[str]]:
        """By exchange, what differs."""
        for writes, watch in _grouped(exchanges):
            if watch is None:
                for exchange in writes:
                    self.exchange(exchange)
            else:
                self.watch(watch, writes)
        return self.found

    def request(self, exchange: Exchange) -> tuple[httpx.Client, httpx.Request]:
        headers = dict(exchange.get("headers") or {})
        client = self.client
        if "Authorization" in headers:
            client = self.anonymous
            headers = {key: value for key, value in headers.items() if value}
        if "content_type" in exchange:
            headers["Content-Type"] = exchange["content_type"]
        body = filled(exchange.get("body"), self.saved)
        content = None if body is None else body if isinstance(body, str) else json.dumps(body)
        method = "GET" if exchange["method"] == "WATCH" else exchange["method"]
        query = filled(exchange.get("query") or {}, self.saved)
        path = filled(exchange["path"], self.saved)
        return client, client.build_request(method, path, params=query, headers=headers, content=content)

    def exchange(self, exchange: Exchange) -> None:
        client, request = self.request(exchange)
        answer = client.send(request)
        seen: Any = answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text
        self.note(exchange, differences(exchange, answer.status_code, seen, self.versions))
        for name, path in (exchange.get("save") or {}).items():
            value: Any = seen
            for step in path.split("."):
                value = value[step]
            self.saved[name] = value
        if request.url.path.endswith("/customresourcedefinitions") and answer.status_code == 201:
            spec = seen["spec"]
            served = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
            wait_until(lambda: self.client.get(served).status_code == 200, timeout_s=15)

    def watch(self, exchange: Exchange, meanwhile: list[Exchange]) -> None:
        client, request = self.request(exchange)
        answer = client.send(request, stream=True)
        for other in meanwhile:
            self.exchange(other)
        events = [json.loads(line) for line in answer.iter_lines()]
        answer.close()
        self.note(exchange, event_differences(exchange["events"], events))

    def note(self, exchange: Exchange, said: list[str]) -> None:
        if said:
            self.found[exchange["exchange"]] = said


def _grouped(exchanges: list[Exchange]) -> Iterator[tuple[list[Exchange], Exchange | None]]:
    """Each watch with the writes just before it, during which it was held open; all else on its own."""
    waiting: list[Exchange] = []
    for exchange in exchanges:
        if exchange["method"] == "WATCH":
            yield waiting, exchange
            waiting = []
        elif exchange["method"] in WRITES:
            waiting.append(exchange)
        else:
            yield [*waiting, exchange], None
            waiting = []
    yield waiting, None


@pytest.fixture(scope="module")
def sessions(exchanges: Path) -> dict[str, list[Exchange]]:
    return read(exchanges)


def test_every_recorded_session_is_replayed(sessions: dict[str, list[Exchange]]) -> None:
    assert set(sessions) == set(SESSIONS)
    assert sum(len(exchanges) for exchanges in sessions.values()) == 156
    assert len(KNOWN_GAPS) <= 10


@pytest.mark.parametrize("session", SESSIONS)
def test_the_server_answers_as_recorded(
    session: str, sessions: dict[str, list[Exchange]], api_server: ApiServer
) -> None:
    with api_server.client() as client, api_server.client(token="") as anonymous:
        found = Replay(client, anonymous).run(sessions[session])
    gaps = {name for name in KNOWN_GAPS if name in {exchange["exchange"] for exchange in sessions[session]}}
    told = "\n".join(f"{name}: {'; '.join(said)}" for name, said in found.items() if name not in gaps)
    assert not told, f"answered otherwise than recorded:\n{told}"
    assert not gaps - set(found), f"no longer gaps, take them off the list: {sorted(gaps - set(found))}"
