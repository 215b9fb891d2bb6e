"""Carries out an experiment: steady, harmed, noticed, healed, recovered, with the other side watched throughout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.ledger import now
from fixtures.target.experiment import Experiment
from reports.release.record import Release
from reports.verdicts import Measurement
from scenarios.faults import during, watching
from scenarios.faults.acts import HealFailed
from scenarios.faults.catalogue import made
from scenarios.faults.conclusions import Conclusions
from scenarios.faults.course import Course, judged, left_behind
from scenarios.faults.guard import Aborted, Guard, Rules, guarded
from scenarios.faults.mending import Mending
from scenarios.faults.notices import Notices
from scenarios.faults.promised import missing
from scenarios.faults.radius import Forbidden
from scenarios.faults.rehearsal import radius_of
from scenarios.faults.rush import Rush
from scenarios.faults.site import DidNotBite, Fault, Site
from scenarios.faults.stage import Stage
from scenarios.faults.takeback import afterwards, longest_s, take_back
from scenarios.faults.watching import POLL_S, Audience, NotSteady
from scenarios.release.carrying import Wish
from scenarios.release.probing import ProberFailed
from scenarios.surroundings import Surroundings
from scenarios.tally import UNIT

MARGIN_S = 120.0  # beside what the experiment takes: then the watchdog ends it, should this process hang
HOLDS_S = 3.0  # a fault stays in for so long, whoever has noticed it


@dataclass
class Trial:
    """One experiment in one place. `folder` keeps what was recorded of users; `course` is what went on so far.
    `following`: the experiment that comes next, and its folder."""

    experiment: Experiment
    around: Surroundings
    site: Site
    folder: Path
    stage: Stage | None = None  # that it is one of; else it has one of its own
    following: tuple[Experiment, Path] | None = None
    lab: str = ""  # its name, where the environment is embedded: for a release that is carried out in it
    course: Course = field(default_factory=Course)

    @cached_property
    def faults(self) -> list[Fault]:
        """Those that are to be put in. Raises Unsupported."""
        return [made(order, self.around) for order in self.experiment.faults]

    def run(self) -> Measurement:
        """Violations among what the experiment expects. Raises NoEvidence."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if wrong := missing(self.experiment, self.around):
            return Measurement(float(len(wrong)), UNIT, len(wrong), bad=len(wrong), why="; ".join(wrong))
        try:
            self._carry_out()
        except (DidNotBite, NotSteady, Forbidden) as error:
            return Measurement(None, UNIT, 0, invalid=str(error))
        except Aborted as error:
            if error.breach:
                return Measurement(1.0, UNIT, 1, bad=1, why=str(error))
            return Measurement(None, UNIT, 0, invalid=str(error))
        except ProberFailed as error:
            if self.course.injections:
                raise
            return Measurement(None, UNIT, 0, invalid=f"nobody asked as users do: {error}")
        except HealFailed as error:
            self.course.left = str(error)
            return left_behind(self.experiment, self.course, str(error))
        return judged(self.experiment, self.course)

    def _carry_out(self) -> None:
        experiment, around, course = self.experiment, self.around, self.course
        notices = [Notices(one, around) for one in experiment.notices]
        course.expected = {what: one.within_s for one in notices for what in one.expected}
        with ExitStack() as stack:
            stage = self.stage or stack.enter_context(Stage(around))
            if experiment.load:
                stage.crowd.come(experiment.load.amount)
            asking = stack.enter_context(stage.audience(experiment, self.folder))
            users = asking.users
            stack.callback(lambda: setattr(course, "users", users.timeline()))
            if asking.others is not users:
                stack.callback(lambda: setattr(course, "others", asking.others.timeline()))
            course.steady = watching.must_be_steady(users, notices)
            self._count_before()
            with guarded(Rules(lambda: asking.breach(), self.site.abort)) as guard:
                if experiment.released:
                    stage.crowd.close()  # a release brings its own
                    self._harm_released(notices, guard, asking)
                else:
                    self._harm(notices, guard, stage, asking)
            self._expect_next(stage, healed=True)
            course.recovered = watching.recovered(users, course, experiment)

    def _expect_next(self, stage: Stage, healed: bool) -> None:
        """Who asks next may begin while this is healed; but for who signs in to do so, which is done once it is."""
        if self.following and self.following[0].signed_in == healed:
            stage.expect(*self.following)

    def _count_before(self) -> None:
        """What the service is asked by those who are there now, and will be when it is harmed."""
        if self.experiment.amplified:
            pace = float(self.around.environment.pace)
            self.course.rush = rush = Rush.of(self.experiment.amplified, pace)
            self.around.clock.sleep(rush.takes_s)  # until a window is full of them alone
            rush.look_before(self.around)

    def _harm(self, notices: Sequence[Notices], guard: Guard, stage: Stage, asking: Audience) -> None:
        """Every fault in at once, until what is to be noticed was, or should have been."""
        experiment, rush = self.experiment, self.course.rush
        rush_s = rush.takes_s if rush else 0.0
        self.course.concluded = own = Conclusions(self.faults)
        most_s = max([holds_s(experiment, rush_s), own.longest_s, *(one.within_s for one in notices)])
        lasts_s = most_s + MARGIN_S + (longest_s(self.around) if experiment.rolls_back else 0.0)
        for one in notices:
            one.begin(self.course.seen)

        def noticed() -> bool:
            guard.must_hold()
            if experiment.load or rush:
                stage.crowd.must_be_there()
            mending.look()
            for one in notices:
                one.look()
            had_time = (one.complete or now() > self.course.began + one.within_s for one in notices)
            return own.complete() and now() >= least_until and all(had_time)

        with ExitStack() as faults:
            self._put_in(faults, lasts_s)
            mending = Mending(zip(self.faults, self.course.injections, strict=True), self.course.seen)
            # Whoever asks first, once it was put in, has the whole time that they are to be answered within.
            answered = self.course.began + holds_s(experiment)
            least_until = max(now() + max(HOLDS_S, rush_s), answered)
            with suppress(TimedOut):
                wait_until(noticed, most_s, poll_s=POLL_S)
            if rush:
                rush.look_during(self.around)
            if experiment.rolls_back:
                self.course.taken_back = take_back(self.around, asking.others.timeline, experiment.title)
                self.course.afterwards = afterwards(self.course.taken_back, asking.others.timeline())
            self._expect_next(stage, healed=False)

    def _harm_released(self, notices: Sequence[Notices], guard: Guard, asking: Audience) -> None:
        """Every fault in at once while a release is under way, until that is over, whatever became of it."""
        experiment, course = self.experiment, self.course
        lasts_s = max(one.within_s for one in notices) + MARGIN_S + 2 * longest_s(self.around)
        for one in notices:
            one.begin(course.seen)

        def look() -> None:
            guard.must_hold()
            for one in notices:
                one.look()

        with ExitStack() as faults:
            meeting = during.Meeting(experiment, lambda: self._put_in(faults, lasts_s), look)
            wish = Wish(lab=self.lab, watchdog=self.site.watchdog)
            found, course.unheeded = during.carried(self.around, meeting, self.folder, wish)
            course.release = found
            if not course.injections:
                raise NotSteady(f"the release was over before: {during.reason_of(found)}")
            if found.rollback:
                course.taken_back = found.rollback
                course.afterwards = afterwards(found.rollback, asking.others.timeline())
                self._heeded(found, found.rollback.decided_s)

    def _heeded(self, found: Release, decided_s: float) -> None:
        """One trigger takes a release back, and whichever was first need not wait for another: what was to be noticed
        is that one, at the decision at the latest."""
        by = during.heeded(found, self.experiment, self.around)
        if by is None:
            other = f"the release was taken back for something else: {during.reason_of(found)}"
            self.course.unheeded = self.course.unheeded or other
            return
        what = f"trigger {by.trigger}"
        self.course.seen.at(what, decided_s, by.reason)
        self.course.expected = {what: max(self.course.expected.values())}

    def _put_in(self, faults: ExitStack, lasts_s: float) -> None:
        radius = radius_of(self.experiment)
        for fault in self.faults:
            injecting = self.site.inject(fault, radius, lasts_s)
            self.course.injections.append(faults.enter_context(injecting))


def holds_s(experiment: Experiment, rush_s: float = 0.0) -> float:
    """How long it stays in at least, from when it was put in."""
    answered_s = experiment.answers.amount if experiment.answers else 0.0
    return max(HOLDS_S + answered_s, rush_s)
