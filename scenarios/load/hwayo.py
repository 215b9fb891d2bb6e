"""Hwayo's users: they log in, list and submit inspection records, and have reports made of them. A plain locustfile:

HWAYO_USER=inspector HWAYO_PASSWORD=... locust -f scenarios/load/hwayo.py --host https://hwayo.com
"""

from __future__ import annotations

import os
import random
import time

import gevent
from locust import task

from scenarios.load.person import Person, Refused, told

# Of 100 requests: mostly reading; the endpoints of §11.1 often enough for a verdict on each within a minute.
LIST, SUBMIT, LOG_IN, REPORT = 78, 12, 8, 2

REPORT_BOUND_S = 30.0  # §11.1: how long a report may take to be made
POLL_S = 0.5
ITEMS = ("混凝土抗壓", "鋼筋抗拉", "土壤夯實度", "含水率", "瀝青針入度")


class Inspector(Person):
    """Someone at a building site. Several requests of one session may be under way at once, as in a browser."""

    who = ("HWAYO_USER", "HWAYO_PASSWORD")
    network_timeout = 35.0

    def on_start(self) -> None:
        self.records: list[int] = []
        super().on_start()

    @task(LOG_IN)
    def log_in(self) -> None:
        self.sign_in()

    @task(LIST)
    def list_records(self) -> None:
        path, name = "/api/v1/data-records?limit=20", "/api/v1/data-records"
        with self.client.get(path, name=name, headers=self.bearer, catch_response=True) as response:
            records = told(response).get("records") if response.status_code == 200 else None
            if not records:
                response.failure(f"the list answered {response.status_code} without records")
                return
        self.records = [record["id"] for record in records]

    @task(SUBMIT)
    def submit_record(self) -> None:
        path, record = "/api/v1/data-records", self.some_record()
        with self.client.post(path, json=record, headers=self.bearer, catch_response=True) as response:
            if response.status_code != 201 or told(response).get("project") != record["project"]:
                response.failure(f"the submission answered {response.status_code}, or with another record")

    @task(REPORT)
    def make_report(self) -> None:
        if not self.records:
            self.list_records()
        record = {"record": random.choice(self.records or [1])}
        asked_at = time.perf_counter()
        path = "/api/v1/reports/generate"
        with self.client.post(path, json=record, headers=self.bearer, catch_response=True) as response:
            if response.status_code != 202:
                response.failure(f"the request for a report answered {response.status_code}")
                return
            url = told(response)["url"]
        status = self.wait_for_report(url, asked_at + REPORT_BOUND_S)
        # What the user waits for is the report, not the 202: a step of its own, which no server sees as one request.
        self.environment.events.request.fire(
            request_type="REPORT",
            name="/api/v1/reports/generate",
            response_time=(time.perf_counter() - asked_at) * 1000,
            response_length=0,
            exception=None if status == "done" else Refused(f"the report is {status}"),
            context={},
        )

    def wait_for_report(self, url: str, until: float) -> str:
        """Its last status: done, failed, or where it had got to when the time was up."""
        status = "queued"
        while status in ("queued", "running") and time.perf_counter() < until:
            gevent.sleep(POLL_S)
            with self.client.get(
                url, name="/api/v1/reports/{id}", headers=self.bearer, catch_response=True
            ) as response:
                if response.status_code != 200:
                    response.failure(f"the report's status answered {response.status_code}")
                    return "lost"
                status = told(response)["status"]
        return status

    def some_record(self) -> dict[str, object]:
        return {
            "project": f"負載驗證 {random.randrange(1000)}",
            "item": random.choice(ITEMS),
            "customer": os.environ.get("HWAYO_CUSTOMER", "customer"),
            "inspected_on": "2025-05-31",
            "value": round(random.uniform(200, 400), 1),
            "unit": "kgf/cm²",
            "passed": True,
            "remark": "",
        }
