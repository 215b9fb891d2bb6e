"""Who is asked while a side is harmed: its users, the other side's, many times a second; and who does what they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.ledger import now
from fixtures.target.base import Side
from fixtures.target.experiment import Experiment
from scenarios.faults.asking import own_entry
from scenarios.faults.course import Course, failures_of
from scenarios.faults.notices import Notices
from scenarios.faults.onlookers import Asking, Onlookers
from scenarios.journeys import application
from scenarios.journeys.walk import needed
from scenarios.release.probes import Plan as ProbePlan
from scenarios.release.timeline import Timeline
from scenarios.surroundings import Surroundings

STEADY_S = 2.0  # without a failure before anything is done
STEADY_WITHIN_S = 60.0
LASTING_S = 3.0  # without a failure, to count as recovered
OTHER_SIDE = "other-side"  # the part that an environment of one side declares absent
USER = "user"  # of the environment's credentials: who is signed in
PROBES_RPS = 25.0
PROBE_TIMEOUT_S = 3.0  # beyond what users are to be answered within, where an experiment says so
POLL_S = 0.25
OTHER_S = 5.0  # so much of what the other side was asked lately is looked at: longer than a probe waits
OTHER_LOST = 0.2  # and so much of it may fail


class NotSteady(Exception):
    """The system was not well before: what it does afterwards says nothing."""


class Watched(Protocol):
    def timeline(self) -> Timeline:
        """What is known so far of those who ask."""
        ...


def whole(users: Watched) -> Timeline:
    """Their record as far as everything in it is known: what was asked last may still be answered."""
    seen = users.timeline()
    return seen.between(seen.began_s, seen.whole_until_s)


def must_be_steady(users: Watched, notices: Sequence[Notices]) -> Timeline:
    """What they saw just before, without a failure. Raises NotSteady."""
    last = users.timeline()

    def steady() -> bool:
        nonlocal last
        seen = users.timeline()
        last = seen.between(seen.whole_until_s - STEADY_S, seen.whole_until_s)
        enough = last.count >= 0.9 * STEADY_S * PROBES_RPS
        return enough and not last.failed and all(one.quiet() for one in notices)

    try:
        wait_until(steady, STEADY_WITHIN_S, poll_s=POLL_S)
    except TimedOut as error:
        raise NotSteady(
            f"not well, or alarmed already, for {error.waited_s:.0f} s before anything was done"
        ) from error
    return last


def recovered(users: Watched, course: Course, experiment: Experiment) -> float | None:
    """When the last failure was over, once there were none for a while; None where that did not come in time.

    That while may begin while it is still being shown that the fault is out; it ends no sooner than that.
    """
    since, from_s = course.since(experiment), max(course.healing, course.healed - LASTING_S)
    left_s = max(0.0, since + experiment.recovers.within.amount - now())
    try:
        wait_until(
            lambda: whole(users).recovered_s(from_s, LASTING_S) is not None,
            left_s + LASTING_S + patience_s(experiment),
            poll_s=POLL_S,
        )
    except TimedOut:
        return None
    seen = whole(users)
    lasting = seen.recovered_s(from_s, LASTING_S)
    assert lasting is not None
    down = seen.between(since, lasting + LASTING_S).downtime()
    return down[-1].to_s if down else since


def suffers(others: Watched) -> str:
    """What is wrong with the other side, by its users. Raises Missing where its prober says nothing any more."""
    seen = others.timeline()
    last = seen.between(now() - OTHER_S, now())
    if not last.count:
        raise Missing(f"nothing is known of the other side for {OTHER_S:g} s")
    if last.failed / last.count <= OTHER_LOST:
        return ""
    return f"{last.failed} of {last.count} requests failed in {OTHER_S:g} s ({failures_of(last)})"


@dataclass(frozen=True)
class Audience:
    """Who asks while a side is harmed: its users, and the other side's. Whom a release leads to our side is both."""

    users: Asking
    others: Asking
    alone: bool = False  # there is no other side, and nobody to be spared

    def breach(self) -> str:
        """What is wrong with those who were to feel nothing. Raises Missing where nobody hears of users any more."""
        said = suffers(self.others)
        return "" if self.alone else said

    def leave(self) -> None:
        """Raises ProberFailed where one of them had left before."""
        with ExitStack() as stack:
            if self.others is not self.users:
                stack.callback(self.others.stop)
            self.users.stop()


def audience(experiment: Experiment, around: Surroundings, folder: Path, onlookers: Onlookers) -> Audience:
    """From now on. Raises Missing, ProberFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    alone = bool(around.environment.lacks("", frozenset({OTHER_SIDE})))
    both = (around.side,) if alone else (around.side, around.other_side)
    sides = (around.other_side,) if experiment.released else both
    shown = {side: session(experiment, around, side) for side in sides}
    asking = [
        onlookers.begin(plan_of(experiment, around, side), folder / f"{side}.bin", headers)
        for side, headers in shown.items()
    ]
    return Audience(users=asking[0], others=asking[-1], alone=alone)


def patience_s(experiment: Experiment) -> float:
    """How long users wait for an answer: longer than they are to, or nobody could tell how long it would have been."""
    return PROBE_TIMEOUT_S + (experiment.answers.amount if experiment.answers else 0.0)


def session(experiment: Experiment, around: Surroundings, side: Side) -> Mapping[str, str]:
    """Headers that show who asks, of somebody who signs in now; none of users who are nobody. Raises Missing."""
    if not experiment.signed_in:
        return {}
    with needed(f"sign in on {side}"):
        return application(around, side).sign_in(USER)


def plan_of(experiment: Experiment, around: Surroundings, side: Side) -> ProbePlan:
    """The other side's users never wait long: nobody harms them, and the guard must hear of it soon."""
    ours = side is around.side
    timeout_s = patience_s(experiment) if ours else PROBE_TIMEOUT_S
    entry = own_entry(around) if ours and experiment.at == "own" else around.entry
    return ProbePlan(
        url=entry.rstrip("/") + experiment.asks,
        rate_rps=PROBES_RPS,
        timeout_s=timeout_s,
        in_flight=max(ProbePlan.in_flight, round(2 * PROBES_RPS * timeout_s)),
        headers=dict(around.environment.route[side]),
        ca=str(around.ca or ""),
    )
