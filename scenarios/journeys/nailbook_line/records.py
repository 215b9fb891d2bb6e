"""NailBook's bookings as what drills write and read: through the load balancer, as a customer does."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from fixtures.probes.http import Entry, open_client, said
from scenarios.drills.api import Reader, Unreadable, answered
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.nailbook_line.people import NailBook
from scenarios.journeys.walk import needed
from scenarios.surroundings import Surroundings

PATH = "/api/v1/bookings"
STAFF, MINUTES = 6, 30
A_DAY = 24 * 60 // MINUTES * STAFF
YEARS = (60, 90)  # nobody else books so far ahead
FIELDS = ("key", "staff_id", "starts_at", "note")


class Bookings(Reader):
    """Of one drill: one after another from a day on that is its own, each at a time that is free."""

    def __init__(self, entry: Entry, bearer: Mapping[str, str], mark: str) -> None:
        self._mark = mark
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._begins = today + timedelta(days=random.randint(365 * YEARS[0], 365 * YEARS[1]))
        self._numbers: dict[str, int] = {}
        super().__init__(entry, bearer, f"{PATH}?staff=1&day={self._begins:%Y-%m-%d}")

    def form(self, key: str) -> dict[str, Any]:
        number = self._numbers.setdefault(key, len(self._numbers))
        at, staff = divmod(number, STAFF)
        return {
            "key": f"{self._mark} {key}",
            "staff_id": staff + 1,
            "starts_at": (self._begins + timedelta(minutes=at * MINUTES)).isoformat(),
            "note": self._mark,
        }

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        asked = {**form, "staff": form["staff_id"], "minutes": MINUTES}
        return answered(await http.post(PATH, json=asked), 409)

    def kept(self) -> Sequence[Kept]:
        """Of every day and everybody that was booked. Raises Unreadable."""
        days = -(-max(1, len(self._numbers)) // A_DAY)
        found: list[Kept] = []
        with open_client(self._entry) as http:
            for at in range(days):
                day = f"{self._begins + timedelta(days=at):%Y-%m-%d}"
                for staff in range(1, STAFF + 1):
                    response = http.get(f"{PATH}?staff={staff}&day={day}", headers=self._bearer)
                    if response.status_code != 200:
                        raise Unreadable(f"GET {PATH} answered {said(response)}")
                    found += [
                        self._kept(one) for one in response.json()["bookings"] if one["note"] == self._mark
                    ]
        return found

    def _kept(self, booking: Mapping[str, Any]) -> Kept:
        key = str(booking["key"]).removeprefix(f"{self._mark} ")
        return Kept(key, fingerprint({name: booking[name] for name in FIELDS}), int(booking["id"]))


def bookings_of(around: Surroundings, mark: str) -> Bookings:
    """As the environment's customer makes and sees them, on our side."""
    environment = around.environment
    entry = Entry(around.entry, environment.route[around.side], around.ca, environment.host or "")
    with needed("sign in as a customer"):
        session = NailBook(around, around.side).sign_in("customer")
    return Bookings(entry, session, mark)


RECORDS = bookings_of
