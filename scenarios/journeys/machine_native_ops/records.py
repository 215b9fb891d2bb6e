"""Machine Native Ops' memories as what drills write and read: through the gateway, as an agent does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from fixtures.probes.http import Entry, open_client, said
from scenarios.drills.api import Unreadable, answered, asking, client_of
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.machine_native_ops.people import MachineNativeOps
from scenarios.journeys.walk import needed
from scenarios.release.probes import Plan
from scenarios.surroundings import Surroundings

PATH = "/api/v1/memories"
PAGE = 100
FIELDS = ("key", "text")


class Memories:
    """Of one drill, told from all others by `mark`."""

    def __init__(self, entry: Entry, bearer: Mapping[str, str], mark: str) -> None:
        self._entry, self._bearer, self._mark = entry, dict(bearer), mark

    def form(self, key: str) -> dict[str, Any]:
        drawn = hashlib.sha256(f"{self._mark} {key}".encode()).hexdigest()
        return {"key": f"{self._mark} {key}", "text": f"{self._mark}: {drawn}"}

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        return answered(await http.post(PATH, json=dict(form)))

    def kept(self) -> Sequence[Kept]:
        """All pages, from the newest on. Raises Unreadable."""
        found: list[Kept] = []
        asked: dict[str, str | int] = {"q": self._mark, "limit": PAGE}
        with open_client(self._entry) as http:
            while True:
                response = http.get(PATH, params=asked, headers=self._bearer)
                if response.status_code != 200:
                    raise Unreadable(f"GET {PATH} answered {said(response)}")
                page = response.json()["memories"]
                found += [self._kept(one) for one in page]
                if len(page) < PAGE:
                    return found
                asked["before"] = page[-1]["id"]

    def reading(self, path: str = "") -> Plan:
        return asking(self._entry, path or f"{PATH}?limit=5")

    @property
    def private(self) -> Mapping[str, str]:
        return self._bearer

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        return client_of(self._entry, self._bearer, timeout_s)

    def _kept(self, memory: Mapping[str, Any]) -> Kept:
        key = str(memory["key"]).removeprefix(f"{self._mark} ")
        return Kept(key, fingerprint({name: memory[name] for name in FIELDS}), int(memory["id"]))


def memories_of(around: Surroundings, mark: str) -> Memories:
    """As the environment's operator keeps and finds them, on our side."""
    environment = around.environment
    entry = Entry(around.entry, environment.route[around.side], around.ca, environment.host or "")
    with needed("sign in as an operator"):
        session = MachineNativeOps(around, around.side).sign_in("user")
    return Memories(entry, session, mark)


RECORDS = memories_of
