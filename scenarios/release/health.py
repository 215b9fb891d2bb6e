"""Asks each service of a side for its health, all at once and never for long: §6.1's trigger, and after a rollback."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from fixtures.evidence import Missing, NoEvidence, Unreachable
from fixtures.platforms.abilities import Door, Pod, able
from fixtures.probes.http import said
from fixtures.target import Side
from fixtures.target.model import Service
from scenarios.surroundings import Surroundings

ANSWERS_S = 2.0
Ask = Callable[[Service], str]  # why it is not well; empty where it is


def through_door(around: Surroundings, side: Side) -> Ask:
    """As users ask, led to that side. Where the side has no way of its own, users' own way must lead there."""
    client, header = around.http_to(side), around.environment.served.side

    def ask(service: Service) -> str:
        try:
            response = client.get(service.health, timeout=ANSWERS_S)
        except httpx.HTTPError as error:
            return f"does not answer: {error or type(error).__name__}"
        if response.status_code != 200:
            return f"answers {said(response)}"
        served = response.headers.get(header)
        return "" if served == side else f"was served by {served or 'nobody knows whom'}, not by {side}"

    return ask


def inside(around: Surroundings, side: Side) -> Ask:
    """In every pod, past the mesh: whether users are sent there or not."""

    def ask(service: Service) -> str:
        try:
            pods = around.pods_on(side, service)
            replies = [able(around.platform, Door).get(pod, service.health, ANSWERS_S) for pod in pods]
        except NoEvidence as error:
            return str(error)
        unwell = [reply for reply in replies if reply.status != 200]
        return f"answers {unwell[0].status} {' '.join(unwell[0].body.split())[:200]}" if unwell else ""

    return ask


def each_inside(around: Surroundings, side: Side) -> list[tuple[str, str]]:
    """Who was asked, all at once, and why it is not well ("" where it is): every pod, and a service that has none."""
    door, found = able(around.platform, Door), list[tuple[str, str]]()
    asked: list[tuple[Pod, str]] = []
    for service in around.target.services:
        try:
            asked += [(pod, service.health) for pod in around.pods_on(side, service)]
        except Missing as error:
            found.append((service.name, str(error)))

    def ask(told: tuple[Pod, str]) -> tuple[str, str]:
        pod, path = told
        try:
            status = door.get(pod, path, ANSWERS_S).status
        except Unreachable as error:
            return pod.name, str(error)
        return pod.name, "" if status == 200 else f"answers {status}"

    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        return [*found, *pool.map(ask, asked)]


class Lately:
    """Which share of the health checks of the last looks failed."""

    def __init__(self, looks: int) -> None:
        self._looks: deque[tuple[int, int]] = deque(maxlen=looks)
        self.said = "nobody was asked"

    def take(self, found: Sequence[tuple[str, str]]) -> float:
        failed = [(who, why) for who, why in found if why]
        self._looks.append((len(found), len(failed)))
        asked, bad = (sum(column) for column in zip(*self._looks, strict=True))
        worst = f", {failed[0][0]}: {failed[0][1]}" if failed else ""
        self.said = f"{bad} of {asked} health checks failed{worst}"
        return bad / asked if asked else 1.0


def unwell(services: Sequence[Service], ask: Ask) -> dict[str, str]:
    """Service -> why it is not well, of those that are not."""
    with ThreadPoolExecutor(max(1, len(services))) as pool:
        found = zip(services, pool.map(ask, services), strict=True)
        return {service.name: why for service, why in found if why}


class InARow:
    """How often each service failed in a row, and what it said last."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self.said = ""

    def take(self, found: dict[str, str]) -> int:
        """The most that any of them has."""
        self._failures = {name: self._failures.get(name, 0) + 1 for name in found}
        worst = max(self._failures, key=lambda name: self._failures[name], default="")
        self.said = f"{worst} failed {self._failures[worst]} times in a row: {found[worst]}" if worst else ""
        return self._failures.get(worst, 0)
