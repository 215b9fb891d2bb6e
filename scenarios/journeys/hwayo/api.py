"""Hwayo's API (docs/hwayo-api.md) on one side. Every answer is checked to come from there, also behind the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from fixtures.probes.http import said
from fixtures.target.base import Side
from scenarios.journeys.marks import day, marked
from scenarios.journeys.walk import Unmet
from scenarios.surroundings import Surroundings

Headers = Mapping[str, str]


class Api:
    """What does not go as it should raises Unmet; what does not go at all, httpx.HTTPError."""

    def __init__(self, around: Surroundings, side: Side) -> None:
        self.around = around
        self._side = side
        self._http = around.http_to(side)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, whatever its status."""
        response = self._http.request(method, path, **options)
        header = self.around.environment.served.side
        for name in (header, header.replace("served", "upstream")):
            served = response.headers.get(name, self._side)
            if served != self._side:
                raise Unmet(f"{method} {path} was answered by {served} ({name}), not by {self._side}")
        return response

    def expect(self, status: int, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer that must have that status."""
        response = self.ask(method, path, **options)
        if response.status_code != status:
            raise Unmet(f"{method} {path} answered {said(response)}, where {status} was expected")
        try:
            return response.json() if response.content else None
        except ValueError as error:
            raise Unmet(
                f"{method} {path} answered {status}, but not in JSON: {response.text[:100]!r}"
            ) from error

    def page(self, path: str, headers: Headers) -> None:
        """A page, and not a redirection to another."""
        response = self.ask("GET", path, headers=headers)
        if response.status_code != 200 or "<html" not in response.text.lower():
            raise Unmet(f"GET {path} answered {said(response)}, where a page was expected")

    # --- people ------------------------------------------------------------------------------------------------------
    def credentials(self, who: str) -> tuple[str, str]:
        """Name and password; the plain `user` has its password under `password`."""
        return self.around.credential(who), self.around.credential(
            "password" if who == "user" else f"{who}_password"
        )

    def log_in(self, username: str, password: str) -> httpx.Response:
        return self.ask("POST", "/api/v1/auth/login", json={"username": username, "password": password})

    def sign_in(self, who: str) -> dict[str, str]:
        username, password = self.credentials(who)
        response = self.log_in(username, password)
        if response.status_code != 200:
            raise Unmet(f"POST /api/v1/auth/login as {username} answered {said(response)}")
        return {"Authorization": f"Bearer {field(response.json(), 'token')}"}

    def is_out(self, headers: Headers) -> bool:
        """Whether a session is over."""
        return self.ask("GET", "/api/v1/me", headers=headers).status_code == 401

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

    def listed(self, what: str, path: str, headers: Headers, **query: object) -> list[dict[str, Any]]:
        """The list that an answer holds under that name."""
        return list(field(self.expect(200, "GET", path, params=query, headers=headers), what))

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


def field(answer: Any, name: str) -> Any:
    """A field that the answer must have. Raises Unmet."""
    if not isinstance(answer, dict) or answer.get(name) is None:
        raise Unmet(f"an answer without {name!r}: {str(answer)[:200]}")
    return answer[name]
