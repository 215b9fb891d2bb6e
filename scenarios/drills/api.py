"""What drills share that write and read through an API of JSON over HTTP, whichever system's it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from fixtures.probes.http import Entry, is_loopback, open_client, said, trust
from scenarios.drills.journal import Outcome
from scenarios.drills.writer import Said
from scenarios.release.probes import Connections, Plan

PAGE = 100  # rows that are asked for at once
# Answers that settle it: what was asked for is not stored. Whatever else is no success leaves it open.
SETTLED = (400, 401, 403, 404, 413, 422)


class Unreadable(RuntimeError):
    """What is stored could not be read in full, so nothing can be said of what is gone."""


def answered(response: httpx.Response, *settled: int) -> Said:
    """What an answer to a write says of it. 200 is what was kept before, by its own key; `settled`: as SETTLED, of a
    system that has more of them."""
    if response.status_code in (200, 201):
        try:
            return Said(Outcome.ACKNOWLEDGED, int(response.json()["id"]))
        except (ValueError, KeyError, TypeError):
            return Said(Outcome.UNSURE, why=f"an acknowledgement without an id: {said(response)}")
    is_refused = response.status_code in (*SETTLED, *settled)
    return Said(Outcome.REFUSED if is_refused else Outcome.UNSURE, why=said(response))


class Reader:
    """The half of a Product that reads over HTTP, with the headers of a session."""

    def __init__(self, entry: Entry, bearer: Mapping[str, str], path: str) -> None:
        """`path`: what is read where nothing else is named."""
        self._entry, self._bearer, self._path = entry, dict(bearer), path

    def reading(self, path: str = "") -> Plan:
        return asking(self._entry, path or self._path)

    @property
    def private(self) -> Mapping[str, str]:
        return self._bearer

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        return client_of(self._entry, self._bearer, timeout_s)

    def listed(self, path: str, rows: str, **asked: str | int) -> Iterator[Mapping[str, Any]]:
        """Of all pages, from the newest on: what stands under `rows` in each. Raises Unreadable."""
        told: dict[str, str | int] = {"limit": PAGE, **asked}
        with open_client(self._entry) as http:
            while True:
                response = http.get(path, params=told, headers=self._bearer)
                if response.status_code != 200:
                    raise Unreadable(f"GET {path} answered {said(response)}")
                page = response.json()[rows]
                yield from page
                if len(page) < PAGE:
                    return
                told["before"] = page[-1]["id"]


def asking(entry: Entry, path: str) -> Plan:
    """A prober that asks for that path as users do who stay connected."""
    return Plan(
        entry.url.rstrip("/") + path,
        rate_rps=20,
        timeout_s=3,
        connections=Connections.KEPT,
        headers=dict(entry.headers),
        ca=str(entry.ca) if entry.ca else "",
    )


def client_of(entry: Entry, bearer: Mapping[str, str], timeout_s: float) -> httpx.AsyncClient:
    headers = {key.lower(): value for key, value in entry.headers.items()}
    name = headers.get("host") or entry.host

    async def greeting(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = name

    return httpx.AsyncClient(
        base_url=entry.url,
        headers={**headers, **bearer, **({"host": name} if name else {})},
        event_hooks={"request": [greeting] if name else []},
        verify=trust(entry.ca),
        timeout=timeout_s,
        trust_env=not is_loopback(entry.url),
    )
