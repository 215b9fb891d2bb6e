"""A release that meets a fault: put in once users are on our side, and noticed by nobody but the release itself, whose
own triggers are to take the users back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from fixtures.evidence import Missing
from fixtures.ledger import now
from fixtures.target.base import Side
from fixtures.target.experiment import Experiment
from reports.release import record
from scenarios.faults.notices import HEALTH
from scenarios.release.carrying import Hearers, Wish, carry_out
from scenarios.release.stage import Progress
from scenarios.surroundings import Surroundings

FOLDER = "release"  # within the experiment's, of what the release leaves
USERS_RPS = 15.0  # stand-ins: enough to notice a fault by; nobody need be shown to be good
PROBES_RPS = 25.0  # beside those who ask throughout


class Unheeded(Exception):
    """The release went on, with users on a side that was being harmed."""


@dataclass
class Meeting:
    """Hears how a release gets on, tick by tick. `put_in`: once as many users as are asked for are on our side, and
    some of them were counted. `look`: at every tick from then on."""

    experiment: Experiment
    put_in: Callable[[], None]
    look: Callable[[], None]
    since: float | None = field(default=None, init=False)

    def __call__(self, progress: Progress) -> None:
        """Raises Unheeded, and whatever putting in and looking raise: either ends the release."""
        if self.since is not None:
            self.look()
            self._must_be_heeded(progress)
        elif progress.stage == self.stage and progress.green[0]:
            self.put_in()
            self.since = now()

    @property
    def stage(self) -> str:
        """As the release names it."""
        assert self.experiment.released is not None
        return f"{self.experiment.released.amount * 100:g}%"

    def _must_be_heeded(self, progress: Progress) -> None:
        assert self.since is not None
        within_s = max(one.within.amount for one in self.experiment.notices)
        if progress.stage != self.stage:
            raise Unheeded(f"the release went on to {progress.stage} with the fault in")
        if now() > self.since + within_s:
            raise Unheeded(f"the release left users where they were harmed for {within_s:g} s")


def carried(around: Surroundings, meeting: Meeting, folder: Path, wish: Wish) -> tuple[record.Release, str]:
    """What became of the release, and how it left the fault unheeded; empty where it did not. Raises NoEvidence."""
    if around.side is not Side.GREEN or around.environment.route[around.other_side]:
        raise Missing("a release leads users from blue to green, and blue's users must ask for no side")
    unheeded = ""
    try:
        # The side that is left is not cleaned up: it still has a fault to be taken out.
        wish = replace(wish, most_rps=USERS_RPS, probes_rps=PROBES_RPS, cleans=False)
        carry_out(around, wish, folder / FOLDER, Hearers(lambda _: None, on_progress=meeting))
    except Unheeded as error:
        unheeded = str(error)
    return record.read(folder / FOLDER / record.NAME), unheeded


def reason_of(found: record.Release) -> str:
    return f"{found.outcome}: {'; '.join(found.reasons)}"


@dataclass(frozen=True)
class Heeded:
    """The trigger that had a release taken back, and its reason in words."""

    trigger: str
    reason: str


def heeded(found: record.Release, experiment: Experiment, around: Surroundings) -> Heeded | None:
    """Of what was to be noticed, and of the health of what is harmed, whichever broke its bound first; None where it
    was taken back for something else."""
    for trigger in (*(one.trigger for one in experiment.notices if one.trigger), HEALTH):
        metric = around.target.metrics.get(trigger)
        named = [metric.title] if metric else [f"{HEALTH}: {one.service} failed" for one in experiment.faults]
        for reason in found.reasons:
            if any(one in reason for one in named):
                return Heeded(trigger, reason)
    return None


def moments(found: record.Release) -> list[tuple[float, str]]:
    """What the release did by itself, but for its way back."""
    told = [
        (one.at_s, f"release: {one.green:.0%} of the users to our side ({one.by})")
        for one in found.weights
        if one.by != "as found"
    ]
    told += [
        (one.decision.at_s, f"release, {one.name}: {one.decision.outcome}: {'; '.join(one.decision.reasons)}")
        for one in found.stages
    ]
    return told + ([(found.restored.at_s, f"release: {found.restored.said}")] if found.restored else [])
