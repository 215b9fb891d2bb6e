"""Machine Native Ops' users: agents that read what they remember, keep some more, and now and then report or verify.

MACHINE_NATIVE_OPS_USER=... MACHINE_NATIVE_OPS_PASSWORD=... locust -f scenarios/load/machine_native_ops.py --host https://...
"""

from __future__ import annotations

import random
import uuid
from typing import Any

from locust import task

from scenarios.load.person import Person, told

# Of 100: mostly reading, and mostly what was read before.
READ, KEEP, REPORT, LOG_IN = 75, 15, 5, 5
REMEMBERED = 50  # memories that an agent goes back to


class Agent(Person):
    """Somebody's program."""

    who = ("MACHINE_NATIVE_OPS_USER", "MACHINE_NATIVE_OPS_PASSWORD")
    network_timeout = 10.0

    def on_start(self) -> None:
        self.memories: list[Any] = []
        super().on_start()

    @task(LOG_IN)
    def log_in(self) -> None:
        self.sign_in()

    @task(READ)
    def read(self) -> None:
        if not self.memories:
            self.keep()
            return
        memory = random.choice(self.memories)
        path, name = f"/api/v1/memories/{memory}", "/api/v1/memories/{id}"
        with self.client.get(path, name=name, headers=self.bearer, catch_response=True) as response:
            if response.status_code != 200 or told(response).get("id") != memory:
                response.failure(f"memory {memory} answered {response.status_code}, or with another one")

    @task(KEEP)
    def keep(self) -> None:
        key = uuid.uuid4().hex
        wanted = {"key": key, "text": f"負載驗證 {key}"}
        with self.client.post(
            "/api/v1/memories", json=wanted, headers=self.bearer, catch_response=True
        ) as response:
            kept = told(response) if response.status_code == 201 else {}
            if kept.get("key") != key:
                response.failure(f"keeping answered {response.status_code}, or with another one")
                return
        self.memories = [*self.memories, kept["id"]][-REMEMBERED:]

    @task(REPORT)
    def report(self) -> None:
        wanted = {"title": "負載驗證"}
        with self.client.post(
            "/api/v1/reports", json=wanted, headers=self.bearer, catch_response=True
        ) as response:
            if response.status_code != 201:
                response.failure(f"the report answered {response.status_code}")
