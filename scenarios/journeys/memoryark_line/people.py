"""How people use MemoryArk: they send texts and photos by LINE, and find them again in the archive."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from fixtures.probes.http import said
from scenarios.journeys.api import Api, field
from scenarios.journeys.marks import marked
from scenarios.journeys.walk import Unmet, Walk

WEBHOOK = "/webhook/line"
SENDER = "Uverdigris"


class MemoryArk(Api):
    """What it leaves behind are a few texts and photos, which bear a mark."""

    # --- journeys ----------------------------------------------------------------------------------------------------
    def journey_webhook(self, walk: Walk) -> None:
        """What LINE has not signed is nobody's word."""
        body = call_of(_text(marked()))
        with walk.step("what nobody signed is refused", "line-service"):
            self._called(401, body, None)
        with walk.step("so is what was signed with another secret", "line-service"):
            self._called(401, body, _signature(body, "not-the-secret"))
        with walk.step("and what was signed for something else", "line-service"):
            self._called(401, body, self.signed(body + b" "))
        with walk.step("what LINE signed is taken", "line-service"):
            self._called(200, body, self.signed(body))

    def journey_message(self, walk: Walk) -> None:
        text = _text(marked())
        body = call_of(text)
        with walk.step("a text that was sent is taken", "line-service"):
            self._taken(1, body)
        with walk.step("it is kept as it was sent", "memoryark-backend"):
            kept = self._kept(walk, text)
            if (kept.get("body"), kept.get("sender")) != (text["message"]["text"], SENDER):
                raise Unmet(f"{text['message']['text']!r} of {SENDER} was kept as {kept}")
        with walk.step("the archive is not shown to whoever asks", "memoryark-backend"):
            answer = self.ask("GET", _path("messages", text))
            if answer.status_code != 401:
                raise Unmet(f"without a token: {said(answer)}")

    def journey_delivered_twice(self, walk: Walk) -> None:
        """LINE calls again where it heard no answer; and whoever listened may send what was signed a second time."""
        first, second = _text(marked()), _text(marked())
        body = call_of(first)
        with walk.step("an event is taken", "line-service"):
            self._taken(1, body)
        with walk.step("the same call a second time is taken for nothing new", "line-service"):
            self._taken(0, body)
        with walk.step("delivered again beside a new one, only that is new", "line-service"):
            again = {**first, "deliveryContext": {"isRedelivery": True}}
            self._taken(1, call_of(again, second))
        with walk.step("both are kept", "memoryark-backend"):
            for one in (first, second):
                self._kept(walk, one)

    def journey_photo(self, walk: Walk) -> None:
        photo = event_of({"id": _number(), "type": "image", "contentProvider": {"type": "line"}})
        with walk.step("a photo that was sent is taken", "line-service"):
            self._taken(1, call_of(photo))
        path, found = _path("photos", photo), list[httpx.Response]()

        def fetched() -> bool:
            found[:] = [self.ask("GET", path, headers=self.sign_in("user"))]
            return found[0].status_code == 200

        with walk.step("it is fetched from LINE and kept", "line-service"):
            walk.until(fetched, lambda: f"the photo is not there within {walk.within}: {said(found[0])}")
        with walk.step("it is whole", "memoryark-backend"):
            digest = hashlib.sha256(found[0].content).hexdigest()
            if not found[0].content or digest != found[0].headers.get("x-sha256"):
                told = f"{len(found[0].content)} bytes with the sum {digest[:12]}"
                raise Unmet(
                    f"the photo came as {told}, where {found[0].headers.get('x-sha256', 'none')[:12]} was kept"
                )

    def journey_pages(self, walk: Walk) -> None:
        with walk.step("the page opens", "memoryark-frontend"):
            self.page("/", {})

    # -----------------------------------------------------------------------------------------------------------------
    def sign_in(self, who: str) -> dict[str, str]:  # noqa: ARG002 - there is one who may ask
        return {"Authorization": f"Bearer {self.around.credential('api_token')}"}

    def _taken(self, new: int, body: bytes) -> None:
        found = field(self._called(200, body, self.signed(body)).json(), "new")
        if found != new:
            raise Unmet(f"{new} new events were sent, and {found} were taken for new")

    def _called(self, status: int, body: bytes, signature: str | None) -> httpx.Response:
        headers = {
            "Content-Type": "application/json",
            **({"X-Line-Signature": signature} if signature else {}),
        }
        answer = self.ask("POST", WEBHOOK, content=body, headers=headers)
        if answer.status_code != status:
            raise Unmet(f"POST {WEBHOOK} answered {said(answer)}, where {status} was expected")
        return answer

    def _kept(self, walk: Walk, event: Mapping[str, Any]) -> dict[str, Any]:
        path, found = _path("messages", event), list[httpx.Response]()

        def there() -> bool:
            found[:] = [self.ask("GET", path, headers=self.sign_in("user"))]
            return found[0].status_code == 200

        walk.until(there, lambda: f"what was taken is not kept within {walk.within}: {said(found[0])}")
        return dict(found[0].json())

    def signed(self, body: bytes) -> str:
        return _signature(body, self.around.credential("line_channel_secret"))

    # --- what checks need that know nothing of MemoryArk -------------------------------------------------------------
    def example(self, what: str) -> Any:
        if what in self.around.environment.credentials:
            return self.around.credential(what)
        raise Unmet(f"nobody knows how to make a {what} in MemoryArk")

    def leave_mark(self) -> tuple[object, str]:
        text = _text(marked())
        self._taken(1, call_of(text))
        return text["message"]["id"], text["message"]["text"]

    def sees_mark(self, of: object, mark: str) -> bool:
        response = self.ask("GET", f"/api/messages/{of}", headers=self.sign_in("user"))
        return response.status_code == 200 and response.json().get("body") == mark


def _number() -> str:
    """As LINE numbers messages: by digits."""
    return str(uuid.uuid4().int)[:18]


def _text(text: str) -> dict[str, Any]:
    return event_of({"id": _number(), "type": "text", "text": text})


def event_of(message: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "webhookEventId": uuid.uuid4().hex,
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": SENDER},
        "message": dict(message),
    }


def call_of(*events: Mapping[str, Any]) -> bytes:
    return json.dumps({"destination": "verdigris", "events": events}).encode()


def _path(what: str, event: Mapping[str, Any]) -> str:
    return f"/api/{what}/{event['message']['id']}"


def _signature(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


PEOPLE = MemoryArk
