"""What users of every system share who log in with a name and a password: they carry a token, and read every answer."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import orjson
from locust import FastHttpUser, between


class Refused(Exception):
    """A user could not log in, so there is nothing that they could do."""


def told(response: Any) -> dict[str, Any]:
    """The JSON of an answer. Every one is read, and the standard library would take a sixth of all time for it."""
    read: dict[str, Any] = orjson.loads(response.content)
    return read


class Person(FastHttpUser):
    """`who`: the environment variables of their name and their password."""

    abstract = True
    who: ClassVar[tuple[str, str]]
    wait_time = between(0.1, 0.3)  # 100 users make about 500 requests a second
    connection_timeout = 5.0

    def on_start(self) -> None:
        self.bearer: dict[str, str] = {}
        self.sign_in()
        if not self.bearer:
            raise Refused(f"the user could not log in: are {' and '.join(self.who)} right?")

    def sign_in(self) -> None:
        name, password = (os.environ[one] for one in self.who)
        who = {"username": name, "password": password}
        with self.client.post("/api/v1/auth/login", json=who, catch_response=True) as response:
            token = told(response).get("token") if response.status_code == 200 else None
            if not token:
                response.failure(f"login answered {response.status_code} without a token")
                return
        self.bearer = {"Authorization": f"Bearer {token}"}
        self.client.cookiejar.clear()  # the token says it all, and a jar with anything in it is a seventh of the cost
