"""What an answer says of a write: kept, surely not kept, or nobody knows."""

from __future__ import annotations

import httpx
import pytest

from scenarios.drills.api import answered
from scenarios.drills.journal import Outcome


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (201, {"id": 7}, Outcome.ACKNOWLEDGED),
        (200, {"id": "7"}, Outcome.ACKNOWLEDGED),
        (201, {}, Outcome.UNSURE),
        (201, {"id": None}, Outcome.UNSURE),
        (201, [], Outcome.UNSURE),
        (422, {}, Outcome.REFUSED),
        (409, {}, Outcome.UNSURE),
        (500, {}, Outcome.UNSURE),
        (503, {}, Outcome.UNSURE),
    ],
)
def test_only_an_answer_with_an_id_acknowledges_and_what_is_open_stays_open(
    status: int, body: object, outcome: Outcome
) -> None:
    said = answered(httpx.Response(status, json=body))
    assert said.outcome is outcome
    assert said.id == (7 if outcome is Outcome.ACKNOWLEDGED else None)


def test_a_system_may_settle_it_by_more_than_others_do() -> None:
    assert answered(httpx.Response(409, text="taken"), 409).outcome is Outcome.REFUSED


def test_what_is_no_json_acknowledges_nothing() -> None:
    assert answered(httpx.Response(200, text="<html>")).outcome is Outcome.UNSURE
