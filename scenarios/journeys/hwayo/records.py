"""Hwayo's inspection records as what drills write and read: through the front door, as an inspector does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from fixtures.probes.http import Entry, open_client, said
from scenarios.drills.api import SETTLED, Unreadable, asking, client_of
from scenarios.drills.journal import Outcome
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.hwayo.api import Api
from scenarios.journeys.walk import needed
from scenarios.release.probes import Plan
from scenarios.surroundings import Surroundings

PAGE = 100
PATH = "/api/v1/data-records"
ITEMS = ("混凝土抗壓", "鋼筋抗拉", "土壤夯實度", "含水率", "瀝青針入度")
FIELDS = ("project", "item", "customer", "inspected_on", "value", "unit", "passed", "remark")


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
        return asking(self._entry, path or f"{PATH}?limit=5")

    @property
    def private(self) -> Mapping[str, str]:
        return self._bearer

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        return client_of(self._entry, self._bearer, timeout_s)

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


RECORDS = records_of
