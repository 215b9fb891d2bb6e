"""NailBook's users: customers who look for a free time, book one and sometimes take it back. A plain locustfile:

NAILBOOK_LINE_CUSTOMER=... NAILBOOK_LINE_CUSTOMER_PASSWORD=... locust -f scenarios/load/nailbook_line.py --host https://...
"""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta

from locust import task

from scenarios.load.person import Person, told

# Of 100: mostly looking; what is booked is taken back, so that days do not fill up while a system is measured.
LOOK, BOOK, LOG_IN = 70, 20, 10
STAFF = 6
MINUTES = 30
SLOTS = 16  # of a day, from 10:00
FARTHEST_DAYS = (
    365 * 900
)  # so many times that nobody meets: each is as free as a real customer finds it to be


class Customer(Person):
    """Somebody with a telephone."""

    who = ("NAILBOOK_LINE_CUSTOMER", "NAILBOOK_LINE_CUSTOMER_PASSWORD")
    network_timeout = 10.0

    @task(LOG_IN)
    def log_in(self) -> None:
        self.sign_in()

    @task(LOOK)
    def look(self) -> None:
        path, name = f"/api/v1/bookings?staff={_anybody()}&day={_some_time():%Y-%m-%d}", "/api/v1/bookings"
        with self.client.get(path, name=name, headers=self.bearer, catch_response=True) as response:
            if response.status_code != 200 or not isinstance(told(response).get("bookings"), list):
                response.failure(f"the day answered {response.status_code} without bookings")

    @task(BOOK)
    def book(self) -> None:
        if (booking := self._booked()) is None:
            return
        path, name = f"/api/v1/bookings/{booking}", "/api/v1/bookings/{id}"
        with self.client.delete(path, name=name, headers=self.bearer, catch_response=True) as response:
            if response.status_code != 204:
                response.failure(f"taking back answered {response.status_code}")

    def _booked(self) -> object:
        wanted = {
            "key": uuid.uuid4().hex,
            "staff": _anybody(),
            "starts_at": _some_time().isoformat(),
            "minutes": MINUTES,
            "note": "負載驗證",
        }
        with self.client.post(
            "/api/v1/bookings", json=wanted, headers=self.bearer, catch_response=True
        ) as response:
            if response.status_code != 201 or told(response).get("key") != wanted["key"]:
                response.failure(f"the booking answered {response.status_code}, or with another one")
                return None
            return told(response).get("id")


def _anybody() -> int:
    return random.randint(1, STAFF)


def _some_time() -> datetime:
    """On the grid of the slots, so that two never overlap in part."""
    opens = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)
    days, slot = random.randint(2, FARTHEST_DAYS), random.randrange(SLOTS)
    return opens + timedelta(days=days, minutes=slot * MINUTES)
