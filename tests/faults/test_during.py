"""A release that meets a fault: when that is put in, and what of the release is not as the document says."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.target import Target
from fixtures.target.experiment import Experiment
from reports.release.record import Decision, Release, Restored, Rollback, Stage, Step, Weight
from reports.verdicts import Verdict
from scenarios.faults import during
from scenarios.faults.course import Course
from scenarios.faults.during import Meeting, Unheeded
from scenarios.faults.notices import Seen
from scenarios.release.stage import Progress
from tests.faults.test_course import T0, TOLD, course, users, verdict

TRIGGER = "trigger http_error_rate"
RELEASED: dict[str, Any] = {
    "released": "5%",
    "noticed": {"trigger": "http_error_rate", "within": "3s"},
    "recovers": {"after": "fault", "within": "5s"},
}
EXPERIMENT = Experiment.model_validate({**TOLD, **RELEASED})
REASON = "HTTP 錯誤率: 12 of 40 failed"


def tick(stage: str = "5%", answers: float = 7) -> Progress:
    return Progress(stage, 10.0, (answers, 0.0), (100.0, 0.0), 0.0, 0)


class Heard:
    """What a meeting did, in order."""

    def __init__(self, within: str = "3s") -> None:
        self.done: list[str] = []
        told = {**TOLD, **RELEASED, "noticed": {"trigger": "http_error_rate", "within": within}}
        one = Experiment.model_validate(told)
        self.meeting = Meeting(one, lambda: self.done.append("put in"), lambda: self.done.append("looked"))


def test_it_is_put_in_once_users_on_our_side_were_counted_and_looked_at_from_then_on() -> None:
    heard = Heard()
    for progress in (tick(answers=0), tick("25%"), tick(), tick(), tick()):
        heard.meeting(progress)
    assert heard.done == ["put in", "looked", "looked"]


def test_a_release_that_goes_on_with_the_fault_in_is_ended() -> None:
    heard = Heard()
    heard.meeting(tick())
    with pytest.raises(Unheeded, match="went on to 25% with the fault in"):
        heard.meeting(tick("25%"))
    heard = Heard(within="0s")
    heard.meeting(tick())
    with pytest.raises(Unheeded, match="left users where they were harmed"):
        heard.meeting(tick())


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"rolls_back": True}, "rolls_back"),
        ({"load": "10 rps"}, "no load"),
        ({"noticed": None}, "a trigger alone"),
        ({"noticed": {"trigger": "x", "alert": "y", "within": "3s"}}, "a trigger alone"),
        ({"faults": ({"fault": "canary", "service": "web-app", "share": "5%"},)}, "no canary"),
    ],
)
def test_who_leads_users_and_takes_them_back_is_the_release_alone(told: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Experiment.model_validate({**TOLD, **RELEASED, **told})


# --- what it comes to ------------------------------------------------------------------------------------------------
def rollback(**differs: Any) -> Rollback:
    """Decided a second after the fault, over two seconds later."""
    step = Step("switch", "switch", 30.0, 1.0, True, begun_s=T0 + 2)
    found = Rollback("automatic", REASON, T0 + 2, (step,), 300.0, 3.0, True, last_green_s=T0 + 3)
    return replace(found, **differs)


def release(**differs: Any) -> Release:
    decided = Stage("5%", 0.05, 900, 15, T0, T0 + 2, Decision(T0 + 2, "roll back", (REASON,)))
    found = Release("hwayo", "x", "lab", "1/60", "drive", T0, T0 + 9, "roll back", (REASON,), (decided,))
    more = {"rollback": rollback(), "restored": Restored(True, "as found", T0 + 5)}
    return replace(
        found, **{**more, "weights": (Weight(T0, 0.05), Weight(T0 + 2, 0.0, "rollback")), **differs}
    )


def met(**differs: Any) -> Course:
    found = release()
    whole = users()
    known = {"release": found, "taken_back": found.rollback, "afterwards": whole.between(T0 + 5, T0 + 9)}
    seen = Seen({TRIGGER: T0 + 2}, {TRIGGER: REASON})
    return course(**{"expected": {TRIGGER: 3.0}, "seen": seen, "recovered": T0 + 3, **known, **differs})


def test_a_release_that_was_taken_back_in_time_passes_and_is_told_on_the_same_axis() -> None:
    said, reason = verdict(met(), **RELEASED)
    assert said is Verdict.PASS, reason
    told = [moment.what for moment in met().moments]
    assert "release: 5% of the users to our side (release)" in told
    assert f"release, 5%: roll back: {REASON}" in told
    assert "rollback: switch, in 1.0 s of 30 s" in told


LATE = rollback(took_s=301.0)
UNFIT = rollback(steps=(Step("switch", "switch", 30.0, 31.0, False, "green still answers users"),))


@pytest.mark.parametrize(
    ("differs", "says"),
    [
        ({"unheeded": "the release went on to 25% with the fault in"}, "went on to 25%"),
        ({"taken_back": LATE}, "users were not taken back within 300 s"),
        ({"taken_back": UNFIT}, "green still answers users"),
        (
            {"release": release(restored=Restored(False, "green: web has 0 of 2", T0 + 5))},
            "after the release: green",
        ),
        ({"seen": Seen()}, f"{TRIGGER}: not within 3 s"),
        ({"recovered": None}, "users were not served again within 5s of the fault"),
        ({"afterwards": users(range(300, 305))}, "requests of users who had been taken back failed"),
    ],
)
def test_each_way_in_which_users_were_not_taken_back_as_promised_is_named(differs: Any, says: str) -> None:
    said, reason = verdict(met(**differs), **RELEASED)
    assert said is Verdict.FAIL
    assert says in reason


def test_a_release_that_could_not_tell_passes_nothing() -> None:
    blind = release(outcome="inconclusive", reasons=("nothing could be counted",), rollback=None)
    seen = Seen({TRIGGER: T0 + 2}, {TRIGGER: ""})
    said, reason = verdict(met(release=blind, taken_back=None, afterwards=None, seen=seen), **RELEASED)
    assert said is Verdict.UNKNOWN
    assert "the release could not tell: inconclusive: nothing could be counted" in reason


def test_a_release_is_to_be_taken_back_for_what_was_put_in() -> None:
    around: Any = SimpleNamespace(target=Target.load("hwayo"))
    (harmed,) = (one.service for one in EXPERIMENT.faults)
    heeded = during.heeded(release(), EXPERIMENT, around)
    assert heeded == during.Heeded("http_error_rate", REASON)
    unwell = f"probe health: {harmed} failed 4 times in a row"
    heeded = during.heeded(release(reasons=(unwell,)), EXPERIMENT, around)
    assert heeded == during.Heeded("health", unwell)
    for other in ("HTTP 響應時間: slow", "probe health: somebody-else failed 4 times in a row"):
        assert during.heeded(release(reasons=(other,)), EXPERIMENT, around) is None
