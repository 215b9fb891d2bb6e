"""What went on in an experiment, moment by moment, and what of it was not as expected."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from fixtures.target.experiment import Experiment
from reports.chaos.page import Moment, Second, Told
from reports.release.record import Release, Rollback
from reports.verdicts import Evidence, Measurement, Verdict
from scenarios.faults import during, takeback
from scenarios.faults.answering import Answers
from scenarios.faults.conclusions import Conclusions
from scenarios.faults.notices import Seen
from scenarios.faults.rush import Rush
from scenarios.faults.site import Injection
from scenarios.release.probes import UNSEEN, Outcome
from scenarios.release.timeline import Timeline
from scenarios.tally import UNIT

HOW = 3  # ways to fail that are told


@dataclass
class Course:
    """Moments in unix seconds."""

    expected: dict[str, float] = field(
        default_factory=dict
    )  # what had to be noticed -> within so many seconds
    injections: list[Injection] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    users: Timeline | None = None  # what users saw of it
    recovered: float | None = None
    rush: Rush | None = None  # what a service was asked, where that is to be known
    taken_back: Rollback | None = None  # how users were taken back, where they were to be
    afterwards: Timeline | None = None  # what they saw from then on, while the fault was still in
    others: Timeline | None = None  # what the other side's saw, who were to see nothing of it
    steady: Timeline | None = None  # what users saw just before, without a failure
    release: Release | None = None  # that was under way, and what it did by itself
    unheeded: str = ""  # how that left the fault unnoticed, where it did
    concluded: Conclusions = field(default_factory=Conclusions)
    left: str = ""  # what is not as it was, although it was healed

    @property
    def began(self) -> float:
        return min(one.began for one in self.injections)

    @property
    def healing(self) -> float:
        return min(one.healing for one in self.injections)

    @property
    def healed(self) -> float:
        return max(one.healed for one in self.injections)

    @property
    def watched_from(self) -> float:
        """From when on what users saw belongs to it."""
        return self.steady.probes["due_us"][0] / 1e6 if self.steady else 0.0

    def since(self, experiment: Experiment) -> float:
        """From when recovery counts."""
        return self.began if experiment.recovers.after == "fault" else self.healing

    @property
    def detected_s(self) -> float:
        """From when it began until the first of what had to be noticed was; infinity where nothing was."""
        noticed = [self.seen.moments[one] for one in self.expected if one in self.seen.moments]
        return min(noticed) - self.began if noticed else math.inf

    def recovered_s(self, experiment: Experiment) -> float:
        """Infinity where users never were served again."""
        return math.inf if self.recovered is None else self.recovered - self.since(experiment)

    def late(self) -> dict[str, float]:
        """What had to be noticed and was not, or not in time; and in what time it had to be."""
        moments = self.seen.moments
        return {
            one: within_s
            for one, within_s in self.expected.items()
            if one not in moments or moments[one] - self.began > within_s
        }

    def lost(self) -> tuple[int, int]:
        """Of what users asked while the fault was in: how many failed, of how many."""
        if self.users is None:
            return 0, 0
        during = self.users.between(self.began, self.healing)
        return during.failed, during.count

    @property
    def failures(self) -> str:
        """How users failed while the fault was in, the most frequent first."""
        if self.users is None:
            return ""
        return failures_of(self.users.between(self.began, self.healing))

    def answers(self, within_s: float) -> Answers:
        """To what users asked while the fault was in."""
        if self.users is None:
            return Answers(asked=0, late=0, longest_s=0.0, complete=False)
        return Answers.between(self.users, (self.began, self.healing), within_s)

    @property
    def moments(self) -> list[Moment]:
        """In order, counted from when the first fault was put in."""
        if not self.injections:
            return []
        lines = [(one.began, f"{one.fault} put in") for one in self.injections]
        if self.steady:
            lines.append((self.watched_from, f"steady: {self.steady.count} requests of users, none failed"))
        lines += [(one.bit, f"bit: {one.effect}") for one in self.injections if one.bit]
        lines += [(at, f"{what} {self.seen.said[what]}".strip()) for what, at in self.seen.moments.items()]
        lines += self.concluded.moments
        lines += during.moments(self.release) if self.release else []
        steps = self.taken_back.steps if self.taken_back else ()
        lines += [(one.begun_s, takeback.said(one)) for one in steps if one.begun_s]
        lines += [(self.healing, "healing begins")] if self.healing else []
        lines += [(self.healed, "healed, and seen to be")] if self.healed else []
        lines += [(self.recovered, "users are served again")] if self.recovered is not None else []
        return [Moment(at - self.began, what) for at, what in sorted(lines)]

    @property
    def text(self) -> str:
        """A line a moment."""
        return "\n".join(f"{one.at_s:8.2f} s  {one.what}" for one in self.moments)

    def told(self, experiment: Experiment, verdict: Verdict, reason: str) -> Told:
        """For its page."""
        others = [one for injection in self.injections for one in injection.touched_by_others]
        return Told(
            name=experiment.name,
            title=experiment.title,
            source=experiment.source,
            bound=experiment.bound,
            verdict=verdict,
            reason=reason,
            asks=experiment.asks,
            moments=self.moments,
            seconds=self._seconds(self.users),
            others=self._seconds(self.others),
            notes=[
                *(_said(experiment, self) if self.injections else ()),
                *(f"Changed by others meanwhile: {one}" for one in others),
            ],
        )

    def _seconds(self, users: Timeline | None) -> list[Second]:
        """What they saw, second by second: those who began to ask while another fault was in, once that was over."""
        if users is None or not self.injections:
            return []
        return seconds_of(users, self.watched_from, self.began)


def seconds_of(users: Timeline, from_s: float, began_s: float) -> list[Second]:
    """What they saw from that moment on, second by second, counted from when it began."""
    probes = users.probes[users.probes["due_us"] >= from_s * 1e6]
    if not len(probes):
        return []
    after_s = probes["due_us"] / 1e6 - began_s
    found = []
    for second in range(math.floor(after_s.min()), math.ceil(after_s.max())):
        chosen = probes[(after_s >= second) & (after_s < second + 1)]
        p50_us, p95_us = np.percentile(chosen["latency_us"], [50, 95]) if len(chosen) else (0.0, 0.0)
        failed = int(np.count_nonzero(chosen["outcome"] != Outcome.OK))
        found.append(Second(float(second), len(chosen), failed, float(p50_us) / 1000, float(p95_us) / 1000))
    return found


def failures_of(users: Timeline) -> str:
    """How they failed, the most frequent first."""
    failed = users.probes[~np.isin(users.probes["outcome"], (Outcome.OK, *UNSEEN))]
    how = Counter(
        str(one["status"]) if one["status"] else Outcome(one["outcome"]).name.lower() for one in failed
    )
    return ", ".join(f"{count} with {what}" for what, count in how.most_common(HOW))


def judged(experiment: Experiment, course: Course) -> Measurement:
    """Violations among what was expected; INVALID where somebody else had a hand in it."""
    taken = [one.text for injection in course.injections for one in injection.overwritten]
    if taken:
        return Measurement(
            None, UNIT, 0, invalid=f"somebody else changed what was harmed: {'; '.join(taken)}"
        )
    if early := [one for injection in course.injections for one in injection.early]:
        return Measurement(None, UNIT, 0, invalid=f"taken out before its time: {', '.join(early)}")
    lost, asked = course.lost()
    if not asked:
        return Measurement(None, UNIT, 0, why="nobody asked anything while the fault was in")
    wrong = _wrong(experiment, course, lost / asked)
    if not wrong and (unknown := _unknown(experiment, course)):
        return Measurement(None, UNIT, 0, why=unknown)
    back = experiment.rolls_back or experiment.released
    more = (experiment.answers, experiment.amplified, back, course.concluded.heard)
    recovered_s = None if course.recovered is None else course.recovered_s(experiment)
    return Measurement(
        float(len(wrong)),
        UNIT,
        2 + len(course.expected) + sum(map(bool, more)),
        bad=len(wrong),
        window=(course.began, course.healed),
        why="; ".join(wrong),
        evidence=_evidence(course, _said(experiment, course)),
        slowest_s=recovered_s,
    )


def left_behind(experiment: Experiment, course: Course, error: str) -> Measurement:
    """A heal that failed, and what else is known by then to have been wrong: it may be why."""
    lost, asked = course.lost() if course.injections else (0, 0)
    wrong = [f"SOMETHING IS LEFT BEHIND: {error}"]
    if asked:
        wrong += _wrong(experiment, course, lost / asked)
    evidence = _evidence(course, _said(experiment, course)) if asked else ()
    return Measurement(
        float(len(wrong)), UNIT, len(wrong), bad=len(wrong), why="; ".join(wrong), evidence=evidence
    )


def _wrong(experiment: Experiment, course: Course, lost: float) -> list[str]:
    late = {} if course.unheeded else course.late()
    wrong = [f"{what}: not within {within_s:g} s" for what, within_s in late.items()]
    wrong += [course.unheeded] if course.unheeded else []
    wrong += [untold] if late and (untold := _untold(experiment, course)) else []
    recovers = experiment.recovers
    if course.recovered_s(experiment) > recovers.within.amount:
        wrong.append(f"users were not served again within {recovers.within} of the {recovers.after}")
    if lost > experiment.lost.amount:
        who = "users' requests" if not experiment.signed_in else "requests of users who had signed in before"
        wrong.append(
            f"{lost:.1%} of {who} failed meanwhile, allowed are {experiment.lost} ({course.failures})"
        )
    if course.rush and course.rush.wrong:
        wrong.append(course.rush.wrong)
    wrong += course.concluded.wrong
    if course.taken_back:
        wrong += takeback.wrong(course.taken_back)
    if course.release and course.release.restored and not course.release.restored.ok:
        wrong.append(f"after the release: {course.release.restored.said}")
    if course.afterwards and course.afterwards.failed:
        failed, asked = course.afterwards.failed, course.afterwards.count
        wrong.append(f"{failed} of {asked} requests of users who had been taken back failed")
    return [*wrong, *_unanswered(experiment, course)]


def _unanswered(experiment: Experiment, course: Course) -> list[str]:
    within = experiment.answers
    if within is None:
        return []
    answers = course.answers(within.amount)
    late = f"{answers.late} of {answers.asked} requests of users had no answer within {within}"
    kept = f"the longest was kept waiting for {answers.longest_s:.1f} s"
    return [f"{late}, not even that it failed: {kept}"] if answers.late else []


def _untold(experiment: Experiment, course: Course) -> str:
    """What a release said that neither went on nor was taken back."""
    if experiment.released and course.release and course.taken_back is None:
        return f"the release could not tell: {during.reason_of(course.release)}"
    return ""


def _unknown(experiment: Experiment, course: Course) -> str:
    """What cannot be told although nothing is known to be wrong."""
    if experiment.answers and not course.answers(experiment.answers.amount).complete:
        return "nobody knows whether all that users asked while the fault was in was answered"
    if untold := _untold(experiment, course):
        return untold
    taken = experiment.rolls_back or experiment.released
    if taken and course.taken_back is None:
        return "nobody took users back"
    if taken and not (course.afterwards and course.afterwards.count):
        return "nobody knows how users fared who had been taken back"
    if course.concluded.unknown:
        return course.concluded.unknown
    if experiment.amplified and course.rush is None:
        return f"nobody counted what {experiment.amplified.service} was asked"
    return course.rush.unknown if course.rush else ""


def _said(experiment: Experiment, course: Course) -> list[str]:
    """What users saw while the fault was in."""
    lost, asked = course.lost()
    how = f" ({course.failures})" if lost else ""
    said = [f"{lost} of {asked} requests of users failed while the fault was in{how}"]
    if experiment.answers:
        answers = course.answers(experiment.answers.amount)
        said.append(f"the longest of them waited {answers.longest_s:.2f} s for an answer, whatever it was")
    said += _times(experiment, course)
    return [*said, course.rush.said] if course.rush else said


def _times(experiment: Experiment, course: Course) -> list[str]:
    """To detect, and to recover, beside what they may be."""
    said = []
    noticed = [course.seen.moments[one] for one in course.expected if one in course.seen.moments]
    if noticed:
        first_s, last_s = course.detected_s, max(noticed) - course.began
        within_s = max(course.expected.values())
        said.append(
            f"detected after {first_s:.2f} s, and noticed by all after {last_s:.2f} s of {within_s:g} s"
        )
    if course.recovered is not None:
        recovers, took_s = experiment.recovers, course.recovered_s(experiment)
        said.append(f"recovered {took_s:.2f} s of {recovers.within} after the {recovers.after}")
    return said


def _evidence(course: Course, said: list[str]) -> tuple[Evidence, ...]:
    others = [one for injection in course.injections for one in injection.touched_by_others]
    found = [Evidence("what happened when", "\n".join([course.text, *said]), "event")]
    if others:
        found.append(Evidence("changed by others meanwhile", "\n".join(others), "event"))
    return tuple(found)
