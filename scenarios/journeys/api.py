"""What every application that speaks JSON over HTTP shares: one side is asked, and must be the one that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from fixtures.probes.http import said
from fixtures.target.base import Side
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

    def listed(self, what: str, path: str, headers: Headers, **query: object) -> list[dict[str, Any]]:
        """The list that an answer holds under that name."""
        return list(field(self.expect(200, "GET", path, params=query, headers=headers), what))


def field(answer: Any, name: str) -> Any:
    """A field that the answer must have. Raises Unmet."""
    if not isinstance(answer, dict) or answer.get(name) is None:
        raise Unmet(f"an answer without {name!r}: {str(answer)[:200]}")
    return answer[name]
