"""Where LINE takes no more for now, nobody who books feels it, and every message waits its turn: it comes, and once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.systems.nailbook_line import breakage as to
from fixtures.lab.systems.nailbook_line.services.line import ATTEMPTS, BACK_OFF_S
from fixtures.ledger import now
from fixtures.target import Side, Target
from scenarios.journeys import application
from scenarios.surroundings import Surroundings

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(180)]
BOOKINGS = 15
COME_S = 60.0
TWICE_S = 6.0  # in which what is left over is looked for again
GIVEN_UP_S = sum(BACK_OFF_S * 2**attempt for attempt in range(ATTEMPTS))  # of what fails otherwise


@pytest.fixture
def around(lab: Lab) -> Iterator[Surroundings]:
    target = Target.load("nailbook-line")
    found = Surroundings(target, target.environment("lab").with_facts(lab.facts), Side.GREEN)
    yield found
    found.close()


@contextmanager
def limited(access: Access, rate_rps: int) -> Iterator[None]:
    step = to.line_is(rate_rps=rate_rps)
    prior = step.before(access)
    step.apply(access)
    try:
        yield
    finally:
        step.mend(access, prior)


def booked(around: Surroundings) -> list[str]:
    """The mark that each message bears."""
    found = application(around)
    return [found.leave_mark()[1] for _ in range(BOOKINGS)]


def came(around: Surroundings, marks: list[str], since: float) -> Counter[str]:
    texts = [one.text for one in around.sink.messages(since) if one.channel == "app"]
    return Counter({mark: sum(mark in text for text in texts) for mark in marks})


def test_more_than_line_takes_comes_later_and_once(access: Access, around: Surroundings) -> None:
    since = now()
    with limited(access, rate_rps=3):
        marks = booked(around)
        wait_until(lambda: min(came(around, marks, since).values()) >= 1, COME_S)
    around.clock.sleep(TWICE_S)
    assert set(came(around, marks, since).values()) == {1}


def test_what_waits_for_longer_than_others_are_tried_is_not_given_up(
    access: Access, around: Surroundings
) -> None:
    since = now()
    with limited(access, rate_rps=0):
        marks = booked(around)
        around.clock.sleep(GIVEN_UP_S + 2)
        assert not +came(around, marks, since)
    wait_until(lambda: min(came(around, marks, since).values()) >= 1, COME_S)
    around.clock.sleep(TWICE_S)
    assert set(came(around, marks, since).values()) == {1}
