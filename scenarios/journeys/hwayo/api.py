"""Hwayo's API (docs/hwayo-api.md) on one side. Every answer is checked to come from there, also behind the gateway."""

from __future__ import annotations

from typing import Any

from fixtures.probes.http import said
from scenarios.journeys import api
from scenarios.journeys.api import Headers, field
from scenarios.journeys.marks import day, marked
from scenarios.journeys.walk import Unmet


class Api(api.Api):
    """What does not go as it should raises Unmet; what does not go at all, httpx.HTTPError."""

    # --- records and reports -----------------------------------------------------------------------------------------
    def form(self, project: str) -> dict[str, Any]:
        """A record as an inspector would submit it."""
        return {
            "project": project,
            "item": "混凝土抗壓",
            "customer": self.credentials("customer")[0],
            "inspected_on": day(-1),
            "value": 312.5,
            "unit": "kgf/cm²",
            "passed": True,
            "remark": "部署驗證",
        }

    def submit(self, headers: Headers, project: str) -> Any:
        """The id of the record."""
        return field(
            self.expect(201, "POST", "/api/v1/data-records", json=self.form(project), headers=headers), "id"
        )

    def generate(self, headers: Headers, record: object) -> Any:
        """The id of a report that is being written."""
        asked = self.expect(202, "POST", "/api/v1/reports/generate", json={"record": record}, headers=headers)
        return field(asked, "id")

    # --- what checks need that know nothing of Hwayo -----------------------------------------------------------------
    def example(self, what: str) -> Any:
        if what in self.around.environment.credentials:
            return self.around.credential(what)
        headers = self.sign_in("user")
        record = self.submit(headers, marked())
        if what == "record":
            return record
        if what == "report":
            return self.generate(headers, record)
        raise Unmet(f"nobody knows how to make a {what} in Hwayo")

    def leave_mark(self) -> tuple[Any, str]:
        mark = marked()
        return self.submit(self.sign_in("user"), mark), mark

    def sees_mark(self, of: object, mark: str) -> bool:
        response = self.ask("GET", f"/api/v1/data-records/{of}", headers=self.sign_in("user"))
        if response.status_code not in (200, 404):
            raise Unmet(f"GET /api/v1/data-records/{of} answered {said(response)}")
        return response.status_code == 200 and response.json().get("project") == mark
