"""Sends a lab's users from one side to the other, and says what the front door's own log has of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access, Object
from fixtures.probes.http import SERVED_SIDE, Entry, open_client
from scenarios.release.probes import Connections, Plan, read
from scenarios.release.probing import Probing
from scenarios.release.timeline import Timeline

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


@dataclass(frozen=True)
class Moments:
    """When a side's last answer came, as the timeline and the front door's log have it. Unix seconds."""

    told_s: float  # when the change of weight was asked for
    timeline_s: float
    log_s: float
    slow_s: float  # what the last answer and the slowest probe took: a busy machine, not a wrong clock

    @property
    def error_s(self) -> float:
        return abs(self.timeline_s - self.log_s)


@dataclass(frozen=True)
class Compared:
    """`answered_s`: for each probe, by how much later it saw its answer than the log says that it was sent."""

    moments: list[Moments]
    answered_s: list[float]
    missing: int  # probes that the log does not have


def compare(lab: Lab, folder: Path, switches: int, each_s: float = 2.0) -> Compared:
    """Switch all users to and fro under a prober and a denser stream of users, who are in the log only."""
    url, ca = lab.facts["entry"] + HEALTH, lab.facts["ca"]
    switch, log = Switch(lab), Log(lab)
    told_s: list[float] = []
    settled_s: list[float] = []
    try:
        switch.green(100)
        wait_until(lambda: serving(url, ca) == {"green"}, 10)
        users = Plan(url, 2 * Plan.rate_rps, connections=Connections.KEPT, ca=ca)
        with Probing(Plan(url, ca=ca), folder / "probes.bin") as probing:
            with Probing(users, folder / "users.bin"):
                settled_s.append(_settle("green", each_s, probing))
                for number in range(switches):
                    told_s.append(time.time())
                    switch.green(100 if number % 2 else 0)
                    settled_s.append(_settle("green" if number % 2 else "blue", each_s, probing))
            timeline = probing.stop()
        last = read(folder / "probes.bin")
        wait_until(lambda: f"{last.run}-{len(last.probes) - 1}" in _ids(log), 10)
    finally:
        switch.close()
    return _compared(folder / "probes.bin", timeline, log.requests(), (told_s, settled_s))


def _settle(side: str, each_s: float, probing: Probing) -> float:
    """Until that side alone has served for so long; every probe due before the moment returned was served by then."""
    known_s = 0.0

    def is_settled() -> bool:
        nonlocal known_s
        timeline = probing.timeline()
        known_s = timeline.whole_until_s
        is_long = known_s > timeline.began_s + each_s
        return is_long and set(timeline.between(known_s - each_s, known_s).shares()) == {side}

    wait_until(is_settled, 30)
    return known_s


def serving(url: str, ca: str) -> set[str]:
    """Who serves a few requests in a row."""
    with open_client(Entry(url, ca=Path(ca))) as client:
        return {client.get("").headers.get(SERVED_SIDE, "") for _ in range(5)}


def _ids(log: Log) -> set[str]:
    return {request.id for request in log.requests()}


def _compared(
    record: Path, timeline: Timeline, logged: list[Logged], when: tuple[list[float], list[float]]
) -> Compared:
    found, by_id = read(record), {request.id: request for request in logged}
    answered_s, missing = [], 0
    for probe in found.probes:
        number = round((int(probe["due_us"]) - found.began_us) / found.plan.interval_us)
        request = by_id.get(f"{found.run}-{number}")
        if request is None:
            missing += 1
        else:
            answered_s.append((int(probe["due_us"]) + int(probe["latency_us"])) / 1e6 - request.end_s)
    moments = []
    told_s, settled_s = when
    slowest_s = float(found.probes["latency_us"].max()) / 1e6
    for number, at_s in enumerate(told_s):
        side = "blue" if number % 2 else "green"
        from_s, until_s = (0, *told_s)[number], (*told_s, math.inf)[number + 1]
        window = [one for one in logged if one.side == side and from_s < one.start_s < until_s]
        # A probe that was due before a switch may have been sent after it, by a machine that is busy.
        left_s = timeline.between((0, *settled_s)[number], settled_s[number + 1]).left_s(side)
        assert left_s is not None
        last = max(window, key=lambda one: one.end_s)
        moments.append(Moments(at_s, left_s, last.end_s, slowest_s + last.end_s - last.start_s))
    return Compared(moments, answered_s, missing)
