"""How people use NailBook: customers book a time with somebody, are told by LINE, and merchants look at their day."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from fixtures.probes.http import said
from scenarios.journeys.api import Api, Headers, field
from scenarios.journeys.marks import marked
from scenarios.journeys.walk import Unmet, Walk

STAFF, OTHER = 1, 2
MINUTES = 60
FRONTS = ("/liff", "/merchant", "/admin")
FALSE_PASSWORD = "not-the-password"
CLOCKS_DIFFER_S = 2.0
SIGNATURE = "X-Line-Signature"


class NailBook(Api):
    """What it books lies years ahead, where nobody is in its way, and is taken back."""

    # --- journeys ----------------------------------------------------------------------------------------------------
    def journey_login(self, walk: Walk) -> None:
        username, _ = self.credentials("user")
        with walk.step("a wrong password is refused", "api"):
            refused = self.log_in(username, FALSE_PASSWORD)
            if refused.status_code != 401:
                raise Unmet(f"a wrong password was answered by {said(refused)}")
        with walk.step("the right one lets in", "api"):
            headers = self.sign_in("user")
        with walk.step("the system knows who it is", "api"):
            me = self.expect(200, "GET", "/api/v1/me", headers=headers)
            if field(me, "username") != username:
                raise Unmet(f"{username} logged in, and is taken for {me['username']}")

    def journey_booking(self, walk: Walk) -> None:
        with walk.before("sign in"):
            headers = self.sign_in("customer")
        begins, note = _some_day(), marked()
        with walk.step("a time is booked", "api"):
            booking = self.book(headers, begins, note)
        with walk.step("it is kept as it was asked for", "api"):
            kept = self.expect(200, "GET", f"/api/v1/bookings/{booking}", headers=headers)
            if (kept.get("note"), _moment(kept)) != (note, begins):
                raise Unmet(f"booking {booking} of {begins.isoformat()} came back as {kept}")
        with walk.step("it is in the day's list", "api"):
            day = self.day(headers, begins)
            if booking not in [one.get("id") for one in day]:
                raise Unmet(f"booking {booking} is not among the {len(day)} of {begins:%Y-%m-%d}")
        with walk.step("the same request again books nothing more", "api"):
            again = self.ask("POST", "/api/v1/bookings", json=_form(begins, note, key=note), headers=headers)
            if again.status_code != 200 or field(again.json(), "id") != booking:
                raise Unmet(f"booked again by its own key: {said(again)}")
        with walk.step("it is taken back", "api"):
            self.expect(204, "DELETE", f"/api/v1/bookings/{booking}", headers=headers)
        with walk.step("and the time is free again", "api"):
            free = self.book(headers, begins, marked())
            self.expect(204, "DELETE", f"/api/v1/bookings/{free}", headers=headers)

    def journey_overlap(self, walk: Walk) -> None:
        with walk.before("book a time"):
            headers = self.sign_in("customer")
            begins = _some_day()
            made = [self.book(headers, begins, marked())]
        for words, minutes in (
            ("the same time", 0),
            ("a time that begins in it", 30),
            ("one that ends in it", -30),
        ):
            with walk.step(f"{words} is refused", "api"):
                self._refused(headers, begins + timedelta(minutes=minutes))
        with walk.step("the time right after it is free", "api"):
            made.append(self.book(headers, begins + timedelta(minutes=MINUTES), marked()))
        with walk.step("so is the same time with somebody else", "api"):
            made.append(self.book(headers, begins, marked(), OTHER))
        with walk.step("all are taken back", "api"):
            for one in made:
                self.expect(204, "DELETE", f"/api/v1/bookings/{one}", headers=headers)

    def journey_push(self, walk: Walk) -> None:
        customer, _ = self.credentials("customer")
        note, since = marked(), time.time() - CLOCKS_DIFFER_S
        with walk.before("book a time"):
            headers = self.sign_in("customer")
            booking = self.book(headers, _some_day(), note)
        with walk.step("its customer is told by LINE", "api"):

            def arrived() -> bool:
                messages = self.around.sink.messages(since)
                return any(
                    one.channel == "app" and one.to == customer and note in one.text for one in messages
                )

            walk.until(
                arrived, lambda: f"no message of booking {booking} came to {customer} within {walk.within}"
            )
        with walk.step("it is taken back", "api"):
            self.expect(204, "DELETE", f"/api/v1/bookings/{booking}", headers=headers)

    def journey_webhook(self, walk: Walk) -> None:
        """As LINE calls: what LINE has not signed is nobody's word."""
        event = {
            "webhookEventId": marked(),
            "type": "message",
            "source": {"type": "user", "userId": "Uverdigris"},
        }
        body = json.dumps({"destination": "verdigris", "events": [event]}).encode()
        signature = self._signature(body)
        with walk.step("what nobody signed is refused", "api"):
            self._called(401, body, None)
        with walk.step("so is what was signed for something else", "api"):
            self._called(401, body, self._signature(body + b" "))
        with walk.step("an event of LINE's is taken", "api"):
            if (new := field(self._called(200, body, signature).json(), "new")) != 1:
                raise Unmet(f"one new event was sent, and {new} were taken")
        with walk.step("delivered twice, it is done once", "api"):
            if again := field(self._called(200, body, signature).json(), "new"):
                raise Unmet(f"an event that came a second time was done {again} times more")

    def journey_fronts(self, walk: Walk) -> None:
        for path in FRONTS:
            with walk.step(f"{path} opens", "api"):
                self.page(path, {})

    # --- bookings ----------------------------------------------------------------------------------------------------
    def book(self, headers: Headers, begins: datetime, note: str, staff: int = STAFF) -> Any:
        """The id of the booking, which bears the note and has it as its key."""
        form = _form(begins, note, key=note, staff=staff)
        return field(self.expect(201, "POST", "/api/v1/bookings", json=form, headers=headers), "id")

    def day(self, headers: Headers, of: datetime) -> list[dict[str, Any]]:
        return self.listed("bookings", "/api/v1/bookings", headers, staff=STAFF, day=f"{of:%Y-%m-%d}")

    def _refused(self, headers: Headers, begins: datetime) -> None:
        note = marked()
        answer = self.ask("POST", "/api/v1/bookings", json=_form(begins, note, key=note), headers=headers)
        if answer.status_code != 409:
            raise Unmet(f"a booking over another one was answered by {said(answer)}, where 409 was expected")

    def _called(self, status: int, body: bytes, signature: str | None) -> httpx.Response:
        headers = {"Content-Type": "application/json", **({SIGNATURE: signature} if signature else {})}
        answer = self.ask("POST", "/webhook/line", content=body, headers=headers)
        if answer.status_code != status:
            raise Unmet(f"POST /webhook/line answered {said(answer)}, where {status} was expected")
        return answer

    def _signature(self, body: bytes) -> str:
        secret = self.around.credential("line_channel_secret").encode()
        return base64.b64encode(hmac.digest(secret, body, hashlib.sha256)).decode()

    # --- what checks need that know nothing of NailBook --------------------------------------------------------------
    def example(self, what: str) -> Any:
        if what in self.around.environment.credentials:
            return self.around.credential(what)
        if what == "booking":
            return self.leave_mark()[0]
        raise Unmet(f"nobody knows how to make a {what} in NailBook")

    def leave_mark(self) -> tuple[Any, str]:
        mark = marked()
        return self.book(self.sign_in("customer"), _some_day(), mark), mark

    def sees_mark(self, of: object, mark: str) -> bool:
        response = self.ask("GET", f"/api/v1/bookings/{of}", headers=self.sign_in("customer"))
        if response.status_code not in (200, 404):
            raise Unmet(f"GET /api/v1/bookings/{of} answered {said(response)}")
        return response.status_code == 200 and response.json().get("note") == mark


def _form(begins: datetime, note: str, key: str, staff: int = STAFF) -> dict[str, Any]:
    return {"key": key, "staff": staff, "starts_at": begins.isoformat(), "minutes": MINUTES, "note": note}


def _some_day() -> datetime:
    """A full hour at noon, one to thirty years ahead: two runs at once hardly ever want the same."""
    midnight = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=random.randint(365, 365 * 30))


def _moment(booking: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(booking.get("starts_at")))
    except ValueError:
        return None


PEOPLE = NailBook
