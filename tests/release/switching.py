"""Sends a lab's users from one side to the other, and says what the front door's own log has of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fixtures.lab import Lab
from fixtures.lab.breaking import Access, Object

ROUTES = "/apis/networking.istio.io/v1beta1/namespaces/hwayo-production/virtualservices/hwayo-canary"
HEALTH = "/api/v1/health"


@dataclass(frozen=True)
class Logged:
    """One request as the front door's log has it. Unix seconds."""

    id: str
    start_s: float
    end_s: float
    code: int
    side: str


class Switch:
    """The weights of a lab's VirtualService, put back at the end."""

    def __init__(self, lab: Lab) -> None:
        self._access = Access(lab.facts)
        self._before = self._routes()["spec"]

    def green(self, percent: int) -> None:
        routes = self._routes()
        for destination in routes["spec"]["http"][-1]["route"]:
            is_green = "production-green" in destination["destination"]["host"]
            destination["weight"] = percent if is_green else 100 - percent
        self._access.put(ROUTES, routes)

    def close(self) -> None:
        self._access.put(ROUTES, {**self._routes(), "spec": self._before})
        self._access.close()

    def _routes(self) -> Object:
        found = self._access.get(ROUTES)
        assert found is not None
        return found


class Log:
    """What is added to a front door's log from now on."""

    def __init__(self, lab: Lab) -> None:
        self._path = Path(str(lab.facts["home"])) / "logs" / "access.log"
        self._from = self._path.stat().st_size if self._path.exists() else 0

    def requests(self) -> list[Logged]:
        with self._path.open("rb") as log:
            log.seek(self._from)
            lines = log.read().splitlines()
        return list(_requests(map(json.loads, lines)))


def _requests(lines: Iterator[Mapping[str, object]]) -> Iterator[Logged]:
    for line in lines:
        start_s = int(str(line["start_us"])) / 1e6
        took_s = int(str(line["duration_ms"])) / 1000
        code = int(str(line["code"]))
        yield Logged(str(line["request_id"]), start_s, start_s + took_s, code, str(line["side"] or ""))
