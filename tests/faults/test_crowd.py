"""Users who stay from one experiment to the next are there for the next, though nobody asks for them in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.evidence import Missing
from fixtures.target import Side, Target
from fixtures.target.base import Sides
from fixtures.target.environment import Environment
from scenarios.faults.crowd import HEARS_S, Crowd
from scenarios.load.engine import Means
from scenarios.load.plan import Plan
from scenarios.surroundings import Surroundings

SILENT_S = 4 * HEARS_S


class Talkers:
    """Gone for good once nobody has listened for too long, or their process has ended."""

    def __init__(self) -> None:
        self.heard, self.ended, self.stopped = time.monotonic(), False, False

    @property
    def alive(self) -> bool:
        self.ended = self.ended or time.monotonic() - self.heard > SILENT_S
        return not self.ended

    def run_for(self, seconds: float) -> None:
        time.sleep(seconds)
        if not self.ended:
            self.heard = time.monotonic()

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def came() -> list[Talkers]:
    return []


@pytest.fixture
def crowd(came: list[Talkers]) -> Iterator[Crowd]:
    @contextmanager
    def comes(plan: Plan, _: Means) -> Iterator[Talkers]:
        assert plan.file.is_file()  # or nobody would know what to do
        assert plan.mix["log_in"] == 20
        came.append(Talkers())
        yield came[-1]

    target = Target.load("hwayo")
    known: Environment = target.environment("lab").model_copy(
        update={"entry": "http://127.0.0.1:1", "route": Sides[dict[str, str]](blue={}, green={})}
    )
    with Crowd(Surroundings(target, known, Side.GREEN), comes) as found:
        yield found


def test_they_are_heard_while_nobody_asks_for_them(crowd: Crowd, came: list[Talkers]) -> None:
    crowd.come(10)
    time.sleep(2 * SILENT_S)
    crowd.must_be_there()
    crowd.come(10)
    assert len(came) == 1


def test_others_come_at_another_rate_and_where_they_are_gone(crowd: Crowd, came: list[Talkers]) -> None:
    crowd.come(10)
    crowd.come(20)
    assert came[0].stopped
    came[1].ended = True
    with pytest.raises(Missing, match="have gone"):
        crowd.must_be_there()
    crowd.come(20)
    crowd.must_be_there()
    assert len(came) == 3


def test_who_set_out_before_is_there_when_wanted(crowd: Crowd, came: list[Talkers]) -> None:
    crowd.set_out(10)
    crowd.come(10)
    crowd.must_be_there()
    assert len(came) == 1


def test_who_set_out_and_did_not_arrive_is_told_of_when_wanted(crowd: Crowd, came: list[Talkers]) -> None:
    @contextmanager
    def lost(_: Plan, __: Means) -> Iterator[Talkers]:
        raise Missing("nobody came")
        yield came[0]

    crowd._comes = lost
    crowd.set_out(10)
    with pytest.raises(Missing, match="nobody came"):
        crowd.come(10)
