"""MemoryArk's users: people write by LINE, which calls the webhook, and look for what is kept. A plain locustfile:

MEMORYARK_LINE_LINE_CHANNEL_SECRET=... MEMORYARK_LINE_API_TOKEN=... locust -f scenarios/load/memoryark_line.py --host https://...
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import uuid

import orjson
from locust import FastHttpUser, between, task

from scenarios.load.person import told

# Of 100: mostly writing; what was written is looked for now and then, and somebody opens the page.
WRITE, FIND, OPEN = 60, 30, 10
SECRET, TOKEN = "MEMORYARK_LINE_LINE_CHANNEL_SECRET", "MEMORYARK_LINE_API_TOKEN"
WEBHOOK = "/webhook/line"


class Writer(FastHttpUser):
    """Somebody who writes to the account, through LINE."""

    wait_time = between(1, 3)
    connection_timeout = 5.0
    network_timeout = 15.0  # beyond the 8 s within which a call of LINE's is to be answered

    def on_start(self) -> None:
        self.secret = os.environ[SECRET].encode()
        self.bearer = {"Authorization": f"Bearer {os.environ[TOKEN]}"}

    @task(WRITE)
    def write(self) -> None:
        body = orjson.dumps({"destination": "verdigris", "events": [_text()]})
        signature = base64.b64encode(hmac.digest(self.secret, body, hashlib.sha256)).decode()
        headers = {"Content-Type": "application/json", "X-Line-Signature": signature}
        with self.client.post(WEBHOOK, data=body.decode(), headers=headers, catch_response=True) as response:
            if response.status_code != 200 or told(response).get("new") != 1:
                response.failure(f"the webhook answered {response.status_code}, or did not take it for new")

    @task(FIND)
    def find(self) -> None:
        path = "/api/messages?sender=Uverdigris-load&last=20"
        with self.client.get(
            path, name="/api/messages", headers=self.bearer, catch_response=True
        ) as response:
            if response.status_code != 200 or not isinstance(told(response).get("messages"), list):
                response.failure(f"the archive answered {response.status_code} without messages")

    @task(OPEN)
    def open_page(self) -> None:
        with self.client.get("/", catch_response=True) as response:
            if response.status_code != 200 or b"MemoryArk" not in response.content:
                response.failure(f"the page answered {response.status_code}, or is another one")


def _text() -> dict[str, object]:
    return {
        "type": "message",
        "webhookEventId": uuid.uuid4().hex,
        "deliveryContext": {"isRedelivery": False},
        "source": {"type": "user", "userId": "Uverdigris-load"},
        "message": {"id": str(uuid.uuid4().int)[:18], "type": "text", "text": "負載驗證"},
    }
