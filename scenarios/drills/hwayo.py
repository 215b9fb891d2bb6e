"""Hwayo's inspection records as what drills write and read: through the front door, as an inspector does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from fixtures.probes.http import Entry, is_loopback, open_client, said, trust
from scenarios.drills.journal import Outcome
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.hwayo.api import Api
from scenarios.journeys.walk import needed
from scenarios.release.probes import Connections, Plan
from scenarios.surroundings import Surroundings

PAGE = 100
PATH = "/api/v1/data-records"
ITEMS = ("混凝土抗壓", "鋼筋抗拉", "土壤夯實度", "含水率", "瀝青針入度")
FIELDS = ("project", "item", "customer", "inspected_on", "value", "unit", "passed", "remark")
# Answers that settle it: the record is not stored. Whatever else is no success leaves it open.
SETTLED = (400, 401, 403, 404, 413, 422)


class Unreadable(RuntimeError):
    """The records could not be read in full, so nothing can be said of what is gone."""


class Records:
    """Records of one drill, told from all others by `mark`. `bearer`: the headers of an inspector's session."""

    def __init__(self, entry: Entry, bearer: Mapping[str, str], customer: str, mark: str) -> None:
        self._entry, self._bearer, self._customer, self._mark = entry, dict(bearer), customer, mark

    def form(self, key: str) -> dict[str, Any]:
        drawn = hashlib.sha256(f"{self._mark} {key}".encode()).digest()
        return {
            "project": f"{self._mark} {key}",
            "item": ITEMS[drawn[0] % len(ITEMS)],
            "customer": self._customer,
            "inspected_on": f"2025-05-{1 + drawn[1] % 28:02d}",
            "value": int.from_bytes(drawn[2:4]) / 8,
            "unit": "kgf/cm²",
            "passed": drawn[4] % 13 != 0,
            "remark": drawn[5:13].hex(),
        }

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        response = await http.post(PATH, json=dict(form))
        if response.status_code == 201:
            try:
                return Said(Outcome.ACKNOWLEDGED, int(response.json()["id"]))
            except (ValueError, KeyError, TypeError):
                return Said(Outcome.UNSURE, why=f"an acknowledgement without an id: {said(response)}")
        settled = response.status_code in SETTLED
        return Said(Outcome.REFUSED if settled else Outcome.UNSURE, why=said(response))

    def kept(self) -> Sequence[Kept]:
        """All pages, from the newest on. Raises Unreadable."""
        found: list[Kept] = []
        before: int | None = None
        with open_client(self._entry) as http:
            while True:
                asked = {"limit": PAGE, **({"before": before} if before is not None else {})}
                response = http.get(PATH, params=asked, headers=self._bearer)
                if response.status_code != 200:
                    raise Unreadable(f"GET {PATH} answered {said(response)}")
                page = response.json()["records"]
                found += [self._kept(one) for one in page if str(one["project"]).startswith(f"{self._mark} ")]
                if len(page) < PAGE:
                    return found
                before = page[-1]["id"]

    def reading(self, path: str = "") -> Plan:
        ca = str(self._entry.ca) if self._entry.ca else ""
        url = self._entry.url.rstrip("/") + (path or f"{PATH}?limit=5")
        return Plan(
            url,
            rate_rps=20,
            timeout_s=3,
            connections=Connections.KEPT,
            headers=dict(self._entry.headers),
            ca=ca,
        )

    @property
    def private(self) -> Mapping[str, str]:
        return self._bearer

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        host = self._entry.host

        async def greeting(request: httpx.Request) -> None:
            request.extensions["sni_hostname"] = host

        return httpx.AsyncClient(
            base_url=self._entry.url,
            headers={**self._entry.headers, **self._bearer, **({"host": host} if host else {})},
            event_hooks={"request": [greeting] if host else []},
            verify=trust(self._entry.ca),
            timeout=timeout_s,
            trust_env=not is_loopback(self._entry.url),
        )

    def _kept(self, record: Mapping[str, Any]) -> Kept:
        key = str(record["project"]).removeprefix(f"{self._mark} ")
        return Kept(key, fingerprint({name: record[name] for name in FIELDS}), int(record["id"]))


def records_of(around: Surroundings, mark: str) -> Records:
    """As the environment's inspector writes and sees them, on our side."""
    api = Api(around, around.side)
    environment = around.environment
    entry = Entry(around.entry, environment.route[around.side], around.ca, environment.host or "")
    with needed("sign in as an inspector"):
        session = api.sign_in("user")
    return Records(entry, session, around.credential("customer"), mark)
