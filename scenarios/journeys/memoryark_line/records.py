"""MemoryArk's texts as what drills write and read: sent by LINE, and there once the archive shows them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from fixtures.probes.http import Entry, open_client, said
from scenarios.drills.api import SETTLED, Unreadable, asking, client_of
from scenarios.drills.journal import Outcome
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.journeys.memoryark_line.people import WEBHOOK, MemoryArk, call_of, event_of
from scenarios.journeys.walk import needed
from scenarios.release.probes import Plan
from scenarios.surroundings import Surroundings

PATH = "/api/messages"
KEPT_S, LOOK_S = 4.0, 0.25  # within which a text that was taken is kept, and between two looks
MOST = 10_000  # that the archive lists at once
FIELDS = ("id", "sender", "body")


class Texts:
    """Of one drill, by a sender of its own. LINE numbers what people send, one after the other."""

    def __init__(self, people: MemoryArk, entry: Entry, mark: str) -> None:
        self._people, self._entry = people, entry
        self._sender = "U" + mark.replace(" ", "-").lower()
        self._first = int(time.time()) * 1_000_000
        self._bearer = dict(people.sign_in("user"))

    def form(self, key: str) -> dict[str, Any]:
        return {"id": str(self._first + int(key)), "sender": self._sender, "body": f"{self._sender} {key}"}

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        """What the webhook takes is queued, and not kept yet: only the archive's own word is an acknowledgement."""
        message = {"id": form["id"], "type": "text", "text": form["body"]}
        body = call_of({**event_of(message), "source": {"type": "user", "userId": self._sender}})
        headers = {"Content-Type": "application/json", "X-Line-Signature": self._people.signed(body)}
        until_s = time.monotonic() + KEPT_S
        response = await http.post(WEBHOOK, content=body, headers=headers)
        if response.status_code != 200:
            settled = response.status_code in SETTLED
            return Said(Outcome.REFUSED if settled else Outcome.UNSURE, why=said(response))
        while (left_s := until_s - time.monotonic()) > 0:
            response = await http.get(f"{PATH}/{form['id']}", timeout=left_s)
            if response.status_code == 200:
                return Said(Outcome.ACKNOWLEDGED, int(form["id"]))
            await asyncio.sleep(LOOK_S)
        return Said(Outcome.UNSURE, why=f"taken, and not kept yet: {said(response)}")

    def kept(self) -> Sequence[Kept]:
        """Raises Unreadable."""
        with open_client(self._entry) as http:
            response = http.get(f"{PATH}?sender={self._sender}&last={MOST}", headers=self._bearer)
        if response.status_code != 200:
            raise Unreadable(f"GET {PATH} answered {said(response)}")
        found = json.loads(response.text)["messages"]
        if len(found) >= MOST:
            raise Unreadable(f"there are {MOST} texts or more: not all of them are listed")
        return [self._kept(one) for one in found]

    def reading(self, path: str = "") -> Plan:
        return asking(self._entry, path or f"{PATH}?sender={self._sender}&last=20")

    @property
    def private(self) -> Mapping[str, str]:
        return self._bearer

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        return client_of(self._entry, self._bearer, timeout_s)

    def _kept(self, text: Mapping[str, Any]) -> Kept:
        key = f"{int(text['id']) - self._first:06d}"
        return Kept(key, fingerprint({name: text[name] for name in FIELDS}), int(text["id"]))


def texts_of(around: Surroundings, mark: str) -> Texts:
    """As LINE brings them, on our side. Raises Missing."""
    environment = around.environment
    entry = Entry(around.entry, environment.route[around.side], around.ca, environment.host or "")
    with needed("speak as LINE does"):
        return Texts(MemoryArk(around, around.side), entry, mark)


RECORDS = texts_of
