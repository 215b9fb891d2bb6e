"""Carries out an experiment: steady, harmed, noticed, healed, recovered, with the other side watched throughout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.ledger import now
from fixtures.target.experiment import Experiment
from reports.verdicts import Measurement
from scenarios.faults import watching
from scenarios.faults.acts import HealFailed
from scenarios.faults.catalogue import made
from scenarios.faults.course import Course, judged, left_behind
from scenarios.faults.crowd import Crowd
from scenarios.faults.guard import Aborted, Guard, Rules, guarded
from scenarios.faults.notices import Notices
from scenarios.faults.radius import Forbidden
from scenarios.faults.rehearsal import radius_of
from scenarios.faults.rush import Rush
from scenarios.faults.site import DidNotBite, Site
from scenarios.faults.watching import POLL_S, NotSteady
from scenarios.surroundings import Surroundings
from scenarios.tally import UNIT

MARGIN_S = 120.0  # beside what the experiment takes: then the watchdog ends it, should this process hang
HOLDS_S = 3.0  # a fault stays in for so long, whoever has noticed it


@dataclass
class Trial:
    """One experiment in one place. `folder` keeps what was recorded of users; `course` is what went on so far."""

    experiment: Experiment
    around: Surroundings
    site: Site
    folder: Path
    crowd: Crowd | None = None  # of the stage's; else one of its own
    course: Course = field(default_factory=Course)

    def run(self) -> Measurement:
        """Violations among what the experiment expects. Raises NoEvidence."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._carry_out()
        except (DidNotBite, NotSteady, Forbidden) as error:
            return Measurement(None, UNIT, 0, invalid=str(error))
        except Aborted as error:
            if error.breach:
                return Measurement(1.0, UNIT, 1, bad=1, why=str(error))
            return Measurement(None, UNIT, 0, invalid=str(error))
        except HealFailed as error:
            return left_behind(self.experiment, self.course, str(error))
        return judged(self.experiment, self.course)

    def _carry_out(self) -> None:
        experiment, around, course = self.experiment, self.around, self.course
        notices = [Notices(one, around) for one in experiment.notices]
        course.expected = {what: one.within_s for one in notices for what in one.expected}
        with ExitStack() as stack:
            crowd = self.crowd or stack.enter_context(Crowd(around))
            if experiment.load:
                crowd.come(experiment.load.amount)
            users, others = stack.enter_context(watching.both(experiment, around, self.folder))
            stack.callback(lambda: setattr(course, "users", users.timeline()))
            watching.must_be_steady(users, notices)
            self._count_before()
            with guarded(Rules(lambda: watching.suffers(others), self.site.abort)) as guard:
                self._harm(notices, guard, crowd)
            course.recovered = watching.recovered(users, course, experiment)

    def _count_before(self) -> None:
        """What the service is asked by those who are there now, and will be when it is harmed."""
        if self.experiment.amplified:
            pace = float(self.around.environment.pace)
            self.course.rush = rush = Rush.of(self.experiment.amplified, pace)
            self.around.clock.sleep(rush.takes_s)  # until a window is full of them alone
            rush.look_before(self.around)

    def _harm(self, notices: Sequence[Notices], guard: Guard, crowd: Crowd) -> None:
        """Every fault in at once, until what is to be noticed was, or should have been."""
        experiment = self.experiment
        radius = radius_of(experiment)
        rush = self.course.rush
        least_s = max(holds_s(experiment), rush.takes_s if rush else 0.0)
        most_s = max([least_s, *(one.within_s for one in notices)])
        for one in notices:
            one.begin(self.course.seen)

        def noticed() -> bool:
            guard.must_hold()
            if experiment.load or rush:
                crowd.must_be_there()
            for one in notices:
                one.look()
            return now() >= least_until and all(one.complete for one in notices)

        with ExitStack() as faults:
            for order in experiment.faults:
                injecting = self.site.inject(made(order, self.around), radius, most_s + MARGIN_S)
                self.course.injections.append(faults.enter_context(injecting))
            least_until = now() + least_s
            with suppress(TimedOut):
                wait_until(noticed, most_s, poll_s=POLL_S)
            if rush:
                rush.look_during(self.around)


def holds_s(experiment: Experiment) -> float:
    """How long it stays in at least: whoever asks first has the whole time that they are to be answered within."""
    return HOLDS_S + (experiment.answers.amount if experiment.answers else 0.0)
