"""Carries out an experiment: steady, harmed, noticed, healed, recovered, with the other side watched throughout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.ledger import now
from fixtures.target.base import Side
from fixtures.target.experiment import Experiment
from reports.verdicts import Measurement
from scenarios.faults.acts import HealFailed
from scenarios.faults.catalogue import made
from scenarios.faults.course import Course, judged
from scenarios.faults.guard import Aborted, Guard, Rules, guarded
from scenarios.faults.notices import Notices
from scenarios.faults.radius import BlastRadius, Forbidden
from scenarios.faults.site import DidNotBite, Site
from scenarios.load.arrivals import constant
from scenarios.load.document import secrets_of
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Open
from scenarios.load.plan import Plan as LoadPlan
from scenarios.release.probes import Plan as ProbePlan
from scenarios.release.probing import Probing
from scenarios.surroundings import Surroundings
from scenarios.tally import UNIT

STEADY_S = 2.0  # without a failure before anything is done
STEADY_WITHIN_S = 60.0
MARGIN_S = 120.0  # beside what the experiment takes: then the watchdog ends it, should this process hang
HOLDS_S = 3.0  # a fault that nothing has to notice stays in for so long
LASTING_S = 3.0  # without a failure, to count as recovered
PROBES_RPS = 25.0
PROBE_TIMEOUT_S = 3.0
LOAD_S = 3600.0  # ended with the experiment
SESSIONS = 10
POLL_S = 0.25
OTHER_S = 3.0  # so much of what the other side was asked lately is looked at
OTHER_LOST = 0.2  # and so much of it may fail


class NotSteady(Exception):
    """The system was not well before: what it does afterwards says nothing."""


def run(experiment: Experiment, around: Surroundings, site: Site, folder: Path) -> Measurement:
    """Violations among what the experiment expects. `folder` keeps what was recorded of users.

    Raises NoEvidence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        course = _carried_out(experiment, around, site, folder)
    except (DidNotBite, NotSteady, Forbidden) as error:
        return Measurement(None, UNIT, 0, invalid=str(error))
    except Aborted as error:
        if error.breach:
            return Measurement(1.0, UNIT, 1, bad=1, why=str(error))
        return Measurement(None, UNIT, 0, invalid=str(error))
    except HealFailed as error:
        return Measurement(1.0, UNIT, 1, bad=1, why=f"SOMETHING IS LEFT BEHIND: {error}")
    return judged(experiment, course)


def _carried_out(experiment: Experiment, around: Surroundings, site: Site, folder: Path) -> Course:
    notices = Notices(experiment.noticed, around) if experiment.noticed else None
    course = Course(expected=notices.expected if notices else [])
    with ExitStack() as stack:
        users = stack.enter_context(_probing(experiment, around, around.side, folder))
        others = stack.enter_context(_probing(experiment, around, around.other_side, folder))
        stack.enter_context(_load(experiment, around))
        _must_be_steady(users, notices)
        with guarded(Rules(lambda: _suffers(others), site.abort)) as guard:
            Trial(experiment, around, site, notices, course).harm(guard)
        course.recovered = _recovered(users, course.since(experiment), course.healed, experiment)
        course.users = users.stop()
    if notices:
        course.seen = notices.seen
    return course


@dataclass
class Trial:
    """One experiment, under way."""

    experiment: Experiment
    around: Surroundings
    site: Site
    notices: Notices | None
    course: Course

    def harm(self, guard: Guard) -> None:
        """Every fault in at once, for as long as it takes to notice."""
        experiment = self.experiment
        radius = BlastRadius(experiment.at_most, experiment.share.amount if experiment.share else 1.0)
        wanted = experiment.noticed
        expires_s = MARGIN_S + (wanted.within.amount if wanted else HOLDS_S)
        if self.notices:
            self.notices.begin()
        with ExitStack() as faults:
            for order in experiment.faults:
                injecting = self.site.inject(made(order, self.around), radius, expires_s)
                self.course.injections.append(faults.enter_context(injecting))
            self._hold(guard)

    def _hold(self, guard: Guard) -> None:
        """Until it was noticed, or should have been."""

        def noticed() -> bool:
            guard.must_hold()
            if self.notices:
                self.notices.look()
            return bool(self.notices and self.notices.complete)

        wanted = self.experiment.noticed
        try:
            wait_until(noticed, wanted.within.amount if wanted else HOLDS_S, poll_s=POLL_S)
        except TimedOut:
            return


def _must_be_steady(users: Probing, notices: Notices | None) -> None:
    def steady() -> bool:
        seen = users.timeline()
        last = seen.between(seen.whole_until_s - STEADY_S, seen.whole_until_s)
        enough = last.count >= 0.9 * STEADY_S * PROBES_RPS
        return enough and not last.failed and (notices is None or notices.quiet())

    try:
        wait_until(steady, STEADY_WITHIN_S, poll_s=POLL_S)
    except TimedOut as error:
        raise NotSteady(
            f"not well, or alarmed already, for {error.waited_s:.0f} s before anything was done"
        ) from error


def _recovered(users: Probing, since: float, healed: float, experiment: Experiment) -> float | None:
    """When the last failure was over, once there were none for a while; None where that did not come in time."""
    left_s = max(0.0, since + experiment.recovers.within.amount - now())
    try:
        wait_until(
            lambda: users.timeline().recovered_s(healed, LASTING_S) is not None,
            left_s + 2 * LASTING_S,
            poll_s=POLL_S,
        )
    except TimedOut:
        return None
    seen = users.timeline()
    lasting = seen.recovered_s(healed, LASTING_S)
    assert lasting is not None
    down = seen.between(since, lasting + LASTING_S).downtime()
    return down[-1].to_s if down else since


def _suffers(others: Probing) -> str:
    """What is wrong with the other side, by its users. Raises Missing where its prober says nothing any more."""
    seen = others.timeline()
    last = seen.between(now() - OTHER_S, now())
    if not last.count:
        raise Missing(f"nothing is known of the other side for {OTHER_S:g} s")
    share = last.failed / last.count
    return f"{last.failed} of {last.count} requests failed in {OTHER_S:g} s" if share > OTHER_LOST else ""


@contextmanager
def _probing(experiment: Experiment, around: Surroundings, side: Side, folder: Path) -> Iterator[Probing]:
    plan = ProbePlan(
        url=around.entry.rstrip("/") + experiment.asks,
        rate_rps=PROBES_RPS,
        timeout_s=PROBE_TIMEOUT_S,
        headers=dict(around.environment.route[side]),
        ca=str(around.ca or ""),
    )
    with Probing(plan, folder / f"{side}.bin") as probing:
        yield probing


@contextmanager
def _load(experiment: Experiment, around: Surroundings) -> Iterator[None]:
    """Users of the side that is harmed, who do what users do, so that what counts them has something to count."""
    if experiment.load is None:
        yield
        return
    plan = LoadPlan(
        host=around.entry,
        model=Open(constant(experiment.load.amount, LOAD_S), sessions=SESSIONS),
        locustfile=f"scenarios/release/{around.target.system.replace('-', '_')}.py",
        sides={str(around.side): dict(around.environment.route[around.side])},
        served_header=around.environment.served.side,
        ca=str(around.ca or ""),
        drain_s=2.0,
    )
    with traffic(plan, Means(secrets=secrets_of(around.target, around.environment))) as load:
        yield
        load.stop()
