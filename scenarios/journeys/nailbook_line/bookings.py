"""NailBook's calendar through its API: days years ahead, which nobody else books."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from fixtures.evidence import Missing
from scenarios.consistency.clients import Lost, Taken, Unreachable
from scenarios.consistency.history import Row, Slot
from scenarios.journeys.api import field
from scenarios.journeys.nailbook_line.people import NailBook
from scenarios.surroundings import Surroundings

PATH = "/api/v1/bookings"
YEARS = (30, 60)  # journeys book before that, users of a load run hardly ever then
DAY_MIN = 24 * 60
TAKES_BACK = 3  # tries


class Salon:
    people = 6

    def __init__(self, around: Surroundings) -> None:
        """Raises Missing where its days are not free."""
        self._app = NailBook(around, around.side)
        self._headers = self._app.sign_in("customer")
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._begins = today + timedelta(days=random.randint(365 * YEARS[0], 365 * YEARS[1]))
        self._days = 1
        if self.rows():
            raise Missing(f"the day of the experiment, {self._begins:%Y-%m-%d}, is booked already")

    def desk(self) -> Counter:
        return Counter(self)

    def rows(self) -> list[Row]:
        return [Row(str(one["key"]), self._slot(one)) for one in self._all()]

    def clear(self) -> None:
        for one in self._all():
            for _ in range(TAKES_BACK):
                if self.ask("DELETE", f"{PATH}/{one['id']}").status_code in (204, 404):
                    break

    # -----------------------------------------------------------------------------------------------------------------
    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._app.ask(method, path, headers=self._headers, **options)

    def form(self, key: str, slot: Slot) -> dict[str, Any]:
        self._days = max(self._days, slot.ends // DAY_MIN + 1)
        starts = self._begins + timedelta(minutes=slot.begins)
        return {
            "key": key,
            "staff": slot.whose + 1,
            "starts_at": starts.isoformat(),
            "minutes": slot.ends - slot.begins,
        }

    def day(self, slot: Slot) -> str:
        """The path of all bookings of that person's on that day."""
        at = self._begins + timedelta(minutes=slot.begins)
        return f"{PATH}?staff={slot.whose + 1}&day={at:%Y-%m-%d}"

    def _all(self) -> list[dict[str, Any]]:
        days = [
            self.day(Slot(whose, at * DAY_MIN, (at + 1) * DAY_MIN))
            for whose in range(self.people)
            for at in range(self._days)
        ]
        return [
            one
            for path in days
            for one in field(self._app.expect(200, "GET", path, headers=self._headers), "bookings")
        ]

    def _slot(self, found: Mapping[str, Any]) -> Slot:
        begins, ends = (
            (datetime.fromisoformat(found[name]) - self._begins) // timedelta(minutes=1)
            for name in ("starts_at", "ends_at")
        )
        return Slot(int(found["staff_id"]) - 1, begins, ends)


class Counter:
    """One client. An answer of 5xx says nothing of whether it was carried out."""

    def __init__(self, salon: Salon) -> None:
        self._salon = salon
        self._asked: dict[str, Slot] = {}

    def book(self, key: str, slot: Slot) -> None:
        self._asked[key] = slot
        answer = self._answered("POST", PATH, json=self._salon.form(key, slot))
        if answer.status_code == 409:
            raise Taken(key)
        if answer.status_code not in (200, 201):
            raise Missing(f"a booking was answered by {answer.status_code} {answer.text[:200]}")

    def holds(self, key: str) -> bool:
        found = self._answered("GET", self._salon.day(self._asked[key])).json()["bookings"]
        return any(one["key"] == key for one in found)

    def close(self) -> None:
        """Connections are the salon's."""

    def _answered(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._salon.ask(method, path, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(f"{error}") from error
        except httpx.HTTPError as error:
            raise Lost(f"{error}") from error
        if answer.status_code >= 500:
            raise Lost(f"{answer.status_code} {answer.text[:100]}")
        return answer


BOOKINGS = Salon
