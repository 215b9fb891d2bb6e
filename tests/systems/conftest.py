"""One side of Hwayo for the whole session, mended after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.systems.side import CREDENTIALS, Side


@pytest.fixture(scope="package")
def running_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    side = Side(Path(tmp_path_factory.mktemp("hwayo")))
    try:
        side.start()
        yield side
    finally:
        side.stop()


@pytest.fixture
def side(running_side: Side) -> Iterator[Side]:
    yield running_side
    running_side.sink.status = 200
    for pod in running_side.pods.values():
        pod.behave()


@pytest.fixture
def door(side: Side) -> Iterator[httpx.Client]:
    """The way in, without a session."""
    with httpx.Client(base_url=side.pods["api-gateway"].url, timeout=12) as client:
        yield client


def entered(door: httpx.Client, who: str) -> dict[str, str]:
    """Headers of a session of "user", "admin" or "customer"."""
    login = {
        "username": CREDENTIALS[who],
        "password": CREDENTIALS["password" if who == "user" else f"{who}_password"],
    }
    answer = door.post("/api/v1/auth/login", json=login)
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture
def inspector(door: httpx.Client) -> dict[str, str]:
    return entered(door, "user")


@pytest.fixture
def admin(door: httpx.Client) -> dict[str, str]:
    return entered(door, "admin")


@pytest.fixture
def customer(door: httpx.Client) -> dict[str, str]:
    return entered(door, "customer")
