"""One process asks for everybody in a stage: each by their own plan, from when they are wanted until they are not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.clock import wait_until
from fixtures.evidence import NoEvidence
from fixtures.objectives import assess
from fixtures.target import Side, Target
from fixtures.target.base import Sides
from fixtures.target.experiment import Experiment
from reports.verdicts import Verdict
from scenarios.faults import watching
from scenarios.faults.course import Course
from scenarios.faults.experiment import Trial
from scenarios.faults.onlookers import Asking, Onlookers
from scenarios.faults.stage import Stage
from scenarios.release.probes import Plan
from scenarios.release.probing import ProberFailed
from scenarios.surroundings import Surroundings
from tests.faults.rows import row
from tests.faults.test_course import EXPERIMENT, T0, course, users
from tests.release.front import Front, serving

RATE_RPS = 50.0
SEEN = 10
WITHIN_S = 20.0


@pytest.fixture
def front() -> Iterator[Front]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def onlookers() -> Iterator[Onlookers]:
    with Onlookers() as found:
        yield found


def reached(asking: Asking, more: int = SEEN) -> None:
    count = asking.timeline().count + more
    wait_until(lambda: asking.timeline().count >= count, WITHIN_S)


def test_each_asks_by_a_plan_of_their_own_until_they_are_stopped(
    onlookers: Onlookers, front: Front, tmp_path: Path
) -> None:
    fast = onlookers.begin(Plan(front.url, RATE_RPS), tmp_path / "fast.bin", {})
    slow = onlookers.begin(Plan(front.url, RATE_RPS / 2), tmp_path / "slow.bin", {})
    reached(fast)
    fast.stop()
    ended = len(fast.timeline().probes)
    reached(slow)
    assert len(fast.timeline().probes) == ended
    assert (fast.timeline().interval_s, slow.timeline().interval_s) == (1 / RATE_RPS, 2 / RATE_RPS)
    slow.stop()


def test_a_session_reaches_the_door_and_no_record(onlookers: Onlookers, front: Front, tmp_path: Path) -> None:
    asking = onlookers.begin(
        Plan(front.url, RATE_RPS), tmp_path / "p.bin", {"Authorization": "Bearer hidden"}
    )
    reached(asking)
    asking.stop()
    assert {one["Authorization"] for one in front.heard} == {"Bearer hidden"}
    assert b"hidden" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_what_cannot_begin_is_said_and_the_others_go_on(
    onlookers: Onlookers, front: Front, tmp_path: Path
) -> None:
    asking = onlookers.begin(Plan(front.url, RATE_RPS), tmp_path / "p.bin", {})
    with pytest.raises(ProberFailed, match="FileExistsError"):
        onlookers.begin(Plan(front.url, RATE_RPS), tmp_path / "p.bin", {})
    reached(asking)
    asking.stop()
    with pytest.raises(ProberFailed, match="KeyError"):
        asking.stop()


def test_who_ended_before_they_were_told_to_is_not_taken_for_done(front: Front, tmp_path: Path) -> None:
    with Onlookers() as short_lived:
        asking = short_lived.begin(Plan(front.url, RATE_RPS), tmp_path / "p.bin", {})
        os.kill(short_lived.pid, signal.SIGKILL)
        with pytest.raises(ProberFailed):
            asking.stop()


# --- a stage ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def around(front: Front) -> Surroundings:
    target = Target.load("hwayo")
    told = {
        "entry": front.url.removesuffix("/health"),
        "route": Sides[dict[str, str]](blue={}, green={"canary": "true"}),
    }
    return Surroundings(target, target.environment("lab").model_copy(update=told), Side.GREEN)


@pytest.fixture
def stage(around: Surroundings) -> Iterator[Stage]:
    with Stage(around) as found:
        yield found


def test_who_is_expected_has_begun_before_the_experiment_does(stage: Stage, tmp_path: Path) -> None:
    stage.expect(EXPERIMENT, tmp_path)
    early = tmp_path / "green.bin"
    wait_until(lambda: early.stat().st_size > 0, WITHIN_S)
    with stage.audience(EXPERIMENT, tmp_path) as asking:
        assert asking.users.out == early
        steady = watching.must_be_steady(asking.users, [])
    assert steady.failed == 0
    assert steady.count >= 0.9 * watching.STEADY_S * watching.PROBES_RPS


def test_who_asks_in_the_first_experiment_begins_with_the_stage(stage: Stage, tmp_path: Path) -> None:
    stage.prepare([EXPERIMENT], tmp_path)
    early = tmp_path / EXPERIMENT.name / "green.bin"
    wait_until(lambda: early.exists() and early.stat().st_size > 0, WITHIN_S)
    with stage.audience(EXPERIMENT, tmp_path / EXPERIMENT.name) as asking:
        assert asking.users.out == early


def test_who_cannot_begin_early_begins_with_the_experiment_and_says_why_not(
    stage: Stage, tmp_path: Path
) -> None:
    """Here there is nobody to sign in as."""
    told: dict[str, Any] = {"asks": "/api/v1/me", "signed_in": True}
    someone = Experiment.model_validate({**EXPERIMENT.model_dump(exclude_unset=True, by_alias=True), **told})
    stage.expect(someone, tmp_path)
    with pytest.raises(NoEvidence, match="credential user"), stage.audience(someone, tmp_path):
        pass


def test_an_experiment_in_which_nobody_can_ask_did_not_happen(
    stage: Stage, around: Surroundings, tmp_path: Path
) -> None:
    """Their record is there already."""
    (tmp_path / "green.bin").touch()
    nowhere: Any = None  # nothing is put in
    one = row("pod-lost-while-slow")
    said, reason = assess(one, Trial(one, around, nowhere, tmp_path, stage).run())
    assert said is Verdict.INVALID
    assert "nobody asked as users do: FileExistsError" in reason


def test_those_whom_a_release_leads_to_our_side_are_asked_for_once_and_guarded_too(
    stage: Stage, tmp_path: Path
) -> None:
    with stage.audience(row("release-rolled-back"), tmp_path) as asking:
        assert asking.users is asking.others
        assert asking.users.out == tmp_path / "blue.bin"
        assert not (tmp_path / "green.bin").exists()
    assert asking.users.timeline().began_s > 0


# --- steady again ----------------------------------------------------------------------------------------------------
class Saw:
    def __init__(self, found: Course) -> None:
        self._users = found.users

    def timeline(self) -> Any:
        return self._users


def test_steady_again_may_begin_while_a_heal_is_being_shown_and_ends_no_sooner_than_that() -> None:
    """The fault is taken out after five seconds, and seen to be out after six; the record ends after ten."""
    found = course(users=users(range(50, 270)))
    assert watching.recovered(Saw(found), found, EXPERIMENT) == pytest.approx(T0 + 5.4)


def test_a_failure_just_before_a_heal_was_shown_starts_the_while_anew() -> None:
    found = course(users=users(range(296, 299)))
    assert watching.recovered(Saw(found), found, EXPERIMENT) == pytest.approx(T0 + 5.98)
