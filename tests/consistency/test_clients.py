"""Clients at a desk that does what a test says: each answer becomes the outcome that it is, and no other."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from scenarios.consistency.clients import (
    Client,
    Lost,
    Patience,
    Taken,
    Undone,
    Unreachable,
    Wish,
    book_all,
    wishes,
)
from scenarios.consistency.history import Outcome, Slot

NOON = Slot(1, 720, 780)
MANY = -1  # retries, as long as patience lasts


@dataclass
class Passing:
    """A clock that goes on when somebody sleeps, and a little whenever it is looked at."""

    at_s: float = 0.0

    def now(self) -> float:
        self.at_s += 0.001
        return self.at_s

    def sleep(self, seconds: float) -> None:
        self.at_s += seconds


@dataclass
class Scripted:
    """Answers one after another: an exception is raised, None acknowledges. `mine`: what `holds` says in turn."""

    answers: list[Exception | None]
    mine: list[bool | Exception] = field(default_factory=list)
    closed: int = 0

    def book(self, key: str, slot: Slot) -> None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer

    def holds(self, key: str) -> bool:
        answer = self.mine.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed += 1


CASES: dict[str, tuple[Scripted, Outcome, int, int]] = {
    "acknowledged": (Scripted([None]), Outcome.BOOKED, 0, 0),
    "refused": (Scripted([Taken()]), Outcome.TAKEN, 0, 0),
    "acknowledged again after a lost answer": (Scripted([Lost(), None]), Outcome.BOOKED, 1, 1),
    "its own is not a rival's": (Scripted([Lost(), Taken()], [True]), Outcome.BOOKED, 1, 1),
    "a rival was quicker": (Scripted([Lost(), Taken()], [False]), Outcome.TAKEN, 1, 1),
    "undone, then booked": (Scripted([Undone(), None]), Outcome.BOOKED, 1, 0),
    "nobody could ever be reached": (Scripted([Unreachable()]), Outcome.NEVER, MANY, 0),
    "undone for ever": (Scripted([Undone()]), Outcome.NEVER, MANY, 0),
    "no answer ever": (Scripted([Lost(), Unreachable()]), Outcome.UNKNOWN, MANY, 1),
    "cannot be asked whose it is, then can": (
        Scripted([Lost(), Taken()], [Lost(), Unreachable(), True]),
        Outcome.BOOKED,
        3,
        3,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_answer_becomes_the_outcome_that_it_is(case: str) -> None:
    desk, outcome, retries, lost = CASES[case]
    client = Client(desk, Passing(), Patience(gives_up_s=1, pause_s=0.05))
    attempt = client.satisfy(Wish("a", NOON))
    assert (attempt.outcome, attempt.lost) == (outcome, lost)
    if retries == MANY:
        assert attempt.retries > 3
        assert attempt.ended_s - attempt.began_s == pytest.approx(1, abs=0.5)
    else:
        assert attempt.retries == retries


def test_those_who_come_back_do_not_come_back_together() -> None:
    patience = Patience(pause_s=0.05, longest_s=1)
    pauses = [patience.pause(random.Random(key), retries=8) for key in range(50)]
    assert max(pauses) <= 1
    assert len({round(pause, 2) for pause in pauses}) > 20
    assert all(patience.pause(random.Random(key), retries=0) <= 0.05 for key in range(50))


def test_every_wish_is_tried_once_and_every_desk_closed() -> None:
    desks: list[Scripted] = []

    def desk() -> Scripted:
        desks.append(Scripted([None]))
        return desks[-1]

    wanted = wishes(random.Random(1), 40, rivals=4)
    history = book_all(wanted, desk, clients=4)
    assert sorted(one.key for one in history.attempts) == sorted(wish.key for wish in wanted)
    assert len(desks) == 4
    assert [one.closed for one in desks] == [1] * 4


def test_what_a_desk_does_not_know_is_raised_and_not_counted() -> None:
    with pytest.raises(ZeroDivisionError):
        book_all(wishes(random.Random(1), 40, rivals=4), lambda: Scripted([ZeroDivisionError()]), clients=4)


def test_wishes_are_of_rivals() -> None:
    wanted = wishes(random.Random(7), 120, rivals=8)
    assert len({wish.key for wish in wanted}) == 120
    contested = [
        one
        for one in wanted
        if sum(one.slot.overlaps(other.slot) for other in wanted if other.key != one.key) >= 3
    ]
    assert len(contested) > 100
    assert {wish.slot.whose for wish in wanted} == {0, 1, 2}
