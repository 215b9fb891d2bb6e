"""Hwayo's inspection records as what drills write and read: through the front door, as an inspector does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from fixtures.probes.http import Entry
from scenarios.drills.api import Reader, answered
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.hwayo.api import Api
from scenarios.journeys.walk import needed
from scenarios.surroundings import Surroundings

PATH = "/api/v1/data-records"
ITEMS = ("混凝土抗壓", "鋼筋抗拉", "土壤夯實度", "含水率", "瀝青針入度")
FIELDS = ("project", "item", "customer", "inspected_on", "value", "unit", "passed", "remark")


class Records(Reader):
    """Records of one drill, told from all others by `mark`. `bearer`: the headers of an inspector's session."""

    def __init__(self, entry: Entry, bearer: Mapping[str, str], customer: str, mark: str) -> None:
        super().__init__(entry, bearer, f"{PATH}?limit=5")
        self._customer, self._mark = customer, mark

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
        return answered(await http.post(PATH, json=dict(form)))

    def kept(self) -> Sequence[Kept]:
        """All pages, from the newest on. Raises Unreadable."""
        rows = self.listed(PATH, "records")
        return [self._kept(one) for one in rows if str(one["project"]).startswith(f"{self._mark} ")]

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
