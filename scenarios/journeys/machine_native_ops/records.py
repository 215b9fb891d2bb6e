"""Machine Native Ops' memories as what drills write and read: through the gateway, as an agent does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from fixtures.probes.http import Entry
from scenarios.drills.api import Reader, answered
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.machine_native_ops.people import MachineNativeOps
from scenarios.journeys.walk import needed
from scenarios.surroundings import Surroundings

PATH = "/api/v1/memories"
FIELDS = ("key", "text")


class Memories(Reader):
    """Of one drill, told from all others by `mark`."""

    def __init__(self, entry: Entry, bearer: Mapping[str, str], mark: str) -> None:
        super().__init__(entry, bearer, f"{PATH}?limit=5")
        self._mark = mark

    def form(self, key: str) -> dict[str, Any]:
        drawn = hashlib.sha256(f"{self._mark} {key}".encode()).hexdigest()
        return {"key": f"{self._mark} {key}", "text": f"{self._mark}: {drawn}"}

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        return answered(await http.post(PATH, json=dict(form)))

    def kept(self) -> Sequence[Kept]:
        """All pages, from the newest on. Raises Unreadable."""
        return [self._kept(one) for one in self.listed(PATH, "memories", q=self._mark)]

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
