"""What nobody has to sign in for can be asked of a system whose journeys nobody has written down yet."""

from __future__ import annotations

import httpx
import pytest
from pydantic import TypeAdapter

from fixtures.evidence import Missing
from fixtures.target import Side
from fixtures.target.checks import Endpoint
from scenarios.checks.endpoints import endpoint
from scenarios.surroundings import Surroundings
from tests.target.profiles import SMALL, built


def asked(path: str, who: str) -> tuple[int | None, float | None]:
    """How many requests were examined, and how many were wrong."""
    target = built(SMALL)
    around = Surroundings(target, target.environment("lab"), Side.GREEN)
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers={"x-served-side": "green"}))
    around.doors[Side.GREEN] = httpx.Client(transport=answer, base_url="https://small.test")
    row = {"check": "endpoint", "name": "e", "title": "E", "method": "GET", "path": path, "as": who}
    check = TypeAdapter(Endpoint).validate_python({**row, "within": "2s", "source": "§1"})
    seen = endpoint(check, around)
    return seen.samples, seen.value


def test_it_takes_no_journeys_to_ask_what_anybody_may() -> None:
    assert asked("/version", "nobody") == (1, 0)


@pytest.mark.parametrize(("path", "who"), [("/version", "user"), ("/records/{record}", "nobody")])
def test_who_signs_in_or_makes_something_needs_them(path: str, who: str) -> None:
    with pytest.raises(Missing, match=r"there is no scenarios/journeys/small/people\.py"):
        asked(path, who)
