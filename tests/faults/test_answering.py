"""Who is kept waiting too long is counted, whatever the answer; of whom nothing is known is not taken for answered."""

from __future__ import annotations

from typing import Any

from fixtures.target.experiment import Experiment
from scenarios.faults import watching
from scenarios.faults.answering import Answers
from scenarios.faults.experiment import holds_s
from scenarios.release.probes import Outcome, Record
from scenarios.release.timeline import Timeline
from tests.release.test_timeline import BEGAN_US, STEP_US, timeline

T0 = BEGAN_US / 1e6
STRETCH = (T0 + 1, T0 + 3)  # a hundred probes, fifty a second


def users(*differing: tuple[int, Record]) -> Timeline:
    """For five seconds; each is answered after 10 s, because it could not be served."""
    probes = {number: probe(number) for number in range(250)}
    return timeline(list((probes | dict(differing)).values()))


def probe(number: int, **differs: Any) -> Record:
    usual = Record(BEGAN_US + number * STEP_US, 0, 10_000_000, 504, 2, Outcome.STATUS, True)
    return usual._replace(**differs)


def test_an_answer_in_time_is_one_whatever_it_says() -> None:
    assert Answers.between(users(), STRETCH, 13.0) == Answers(100, 0, 10.0, complete=True)


def test_who_waits_too_long_and_who_gives_up_count() -> None:
    slow, gave_up = (
        probe(60, latency_us=15_000_000),
        probe(61, latency_us=16_000_000, outcome=Outcome.TIMEOUT),
    )
    answers = Answers.between(users((60, slow), (61, gave_up)), STRETCH, 13.0)
    assert (answers.late, answers.longest_s) == (2, 16.0)


def test_who_asks_before_or_after_the_fault_does_not() -> None:
    before, after = (probe(number, latency_us=15_000_000) for number in (49, 150))
    assert Answers.between(users((49, before), (150, after)), STRETCH, 13.0).late == 0


def test_a_prober_that_is_late_itself_keeps_nobody_waiting() -> None:
    held_up = probe(60, late_us=4_000_000, latency_us=14_000_000)
    assert Answers.between(users((60, held_up)), STRETCH, 13.0).late == 0


def test_what_was_not_sent_or_is_not_in_the_record_leaves_it_unknown() -> None:
    dropped = users((60, probe(60, outcome=Outcome.DROPPED)))
    missing = timeline([probe(number) for number in range(250) if number != 60])
    for seen in (dropped, missing):
        assert not Answers.between(seen, STRETCH, 13.0).complete


def test_users_wait_longer_than_they_are_to_and_the_fault_stays_for_as_long() -> None:
    told = {
        "check": "experiment",
        "name": "x",
        "title": "x",
        "source": "§1",
        "faults": ({"fault": "pod-kill", "service": "web-app"},),
        "asks": "/health",
        "lost": "100%",
        "answers": "13s",
        "recovers": {"after": "heal", "within": "30s"},
    }
    experiment = Experiment.model_validate(told)
    assert watching.patience_s(experiment) > 13
    assert holds_s(experiment) > 13
    assert "answers within 13s" in experiment.bound
