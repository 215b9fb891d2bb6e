"""A release from its first user on green to its last on blue, or back: driven stage by stage, or watched while a
pipeline drives. Whatever happens, traffic ends where it is known to be served, and the record says how it got there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.clock import Clock
from fixtures.platforms.routing import Changed
from fixtures.target import Side
from fixtures.target.release import Clean
from reports.release import record
from scenarios.faults.acts import HealFailed
from scenarios.release.cleaning import Cleaning, Old, clean
from scenarios.release.clustering import Clustering
from scenarios.release.eyes import Seeing
from scenarios.release.fleet import Fleet
from scenarios.release.health import inside
from scenarios.release.moving import Road
from scenarios.release.rollback import REHEARSAL, TROUBLES, Known, Rollback, Why
from scenarios.release.split import ENOUGH, split_of
from scenarios.release.stage import SETTLES_S, Progress, StageRun
from scenarios.release.telling import of_rollback, titles_of
from scenarios.release.terms import FOLLOWED, Term, Terms, begins_s, moments
from scenarios.release.timeline import Timeline
from scenarios.release.watch import Outcome
from scenarios.surroundings import Surroundings

CALMS_DOWN = 4  # looks at users before the release, until one finds nobody without service
WAITS_S = 10.0  # for green at least, before it is said not to be ready
Say = Callable[[str], None]
Tell = Callable[[str, str], Sequence[record.Notification]]  # (success or warning, text)


def tell_nobody(kind: str, text: str) -> Sequence[record.Notification]:
    del kind, text
    return ()


@dataclass(frozen=True)
class Ways:
    """With what a release is carried out."""

    around: Surroundings
    terms: Terms
    road: Road
    fleets: Mapping[Side, Fleet]
    timeline: Callable[[], Timeline]
    clock: Clock
    folder: Path
    say: Say
    tell: Tell = tell_nobody
    on_progress: Callable[[Progress], None] = lambda _: None
    let_go: Callable[[], None] = lambda: None  # from then on nobody undoes what was changed
    unmake: Callable[[], None] = lambda: None  # whoever was made for the release goes again
    topped_up_rps: float = 0.0


@dataclass
class Release:
    """`keep`: a promoted release stays promoted; otherwise it is rolled back in the end, as a rehearsal that is timed,
    and everything is put back as it was found. `on_fail` "rollback": go back also where a pipeline drives."""

    ways: Ways
    observe: bool = False
    keep: bool = False
    on_fail: str = "report"
    stages: list[record.Stage] = field(default_factory=list)
    created: tuple[record.Step, ...] = ()  # before it began
    cleaned: tuple[record.Step, ...] = ()
    rollback: record.Rollback | None = None
    told: list[record.Notification] = field(default_factory=list)
    restored: record.Restored | None = None
    outcome: Outcome = Outcome.INCONCLUSIVE
    reasons: tuple[str, ...] = ()
    clustering: Clustering | None = None

    def __post_init__(self) -> None:
        self.begun_s = self.ways.clock.now()
        fleets = self.ways.fleets
        self._known = Known(
            fleets[Side.BLUE].definitions(), {side: fleet.replicas() for side, fleet in fleets.items()}
        )
        self._mark = fleets[Side.BLUE].marked()

    # --- all of it ---------------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Never raises for what it meets; what ends the process (Ended, KeyboardInterrupt) goes on after traffic is
        put back."""
        try:
            self._carry_out()
        except TROUBLES as error:
            self._conclude(Outcome.INCONCLUSIVE, [str(error)])
        except BaseException as error:
            self._conclude(Outcome.INCONCLUSIVE, [f"ended by {type(error).__name__} {error}".strip()])
            self.ways.say("ended: putting the traffic back" if self._has_touched else "ended")
            self._restore()
            raise
        if self.keep and self.outcome is Outcome.PROMOTE:
            self._stay()
        else:
            self._restore()

    @property
    def _has_touched(self) -> bool:
        """Who only watches has nothing to put back, and whatever is not as it was is the pipeline's doing."""
        return not self.observe or self.rollback is not None

    def _restore(self) -> None:
        if self._has_touched:
            self.restored = self._put_back()
            self.ways.say(self.restored.said)
            with suppress(*TROUBLES):  # what nobody could be asked about is the watchdog's to put back
                self.ways.let_go()

    def _stay(self) -> None:
        try:
            self.ways.let_go()
        except TROUBLES as error:
            self._conclude(
                Outcome.INCONCLUSIVE, [f"promoted, and will be taken back by its watchdog: {error}"]
            )

    def _carry_out(self) -> None:
        if why := self._not_ready():
            self._conclude(Outcome.INCONCLUSIVE, [why])
            return
        follow = self._followed if self.observe else self._driven
        for stage in follow():
            decision = stage.decision
            if decision.outcome != Outcome.PROMOTE:
                self._conclude(Outcome(decision.outcome), decision.reasons)
                break
        else:
            self._conclude(Outcome.PROMOTE, [f"{one.name}: promoted" for one in self.stages])
        self._settle()

    def _settle(self) -> None:
        """What follows from the outcome."""
        words = self.ways.terms.release.wording
        if self.outcome is Outcome.PROMOTE:
            self._tell("success", words.promoted)
            plan = self.ways.terms.release.clean
            if plan and not self.observe:  # otherwise it is for the pipeline to clean up
                self.cleaned = self._clean(plan)
            if not self.keep and not self.observe:
                self.rollback = self._back(
                    "a release that is not to stay is taken back, and timed", REHEARSAL
                )
        elif self.outcome is Outcome.ROLL_BACK and (not self.observe or self.on_fail == "rollback"):
            self.rollback = self._back("; ".join(self.reasons))
            self._tell(*of_rollback(words, self.rollback))
        else:
            text = words.not_promoted.format(outcome=self.outcome, reason="; ".join(self.reasons))
            self._tell("warning", text)

    # --- before ------------------------------------------------------------------------------------------------------
    def _not_ready(self) -> str:
        """Why it cannot even begin."""
        road = self.ways.road
        if road.found.green is None:
            return f"{road.found.name} is closed for maintenance"
        if wrong := [one for one in self.created if not one.ok]:
            return f"green is not as it is to be: {wrong[0].title}: {wrong[0].said}"
        if self.observe:
            return ""
        if road.found.green:
            return f"green already has {road.found.green:.0%} of the users: somebody has begun this release before"
        green, waits_s = self.ways.fleets[Side.GREEN], self.ways.terms.release.pods_ready.seconds
        if lacking := green.wait_ready(max(WAITS_S, waits_s * self.ways.terms.pace)) or green.idle():
            return f"green is not ready: {lacking}"
        before = self._before()
        if before.failed:
            why = ", ".join(f"{n} {outcome.name.lower()}" for outcome, n in before.outcomes().items())
            return f"{before.failed} of {before.count} users were not served even before the release: {why}"
        split = split_of(before, 0.0)
        return "" if split.holds else f"before the release: {split.said}"

    def _before(self) -> Timeline:
        """How users fare before anything is changed, once they fare well: stand-ins log in all at once."""
        for _ in range(CALMS_DOWN):
            since_s = self.ways.clock.now()
            self._pass(SETTLES_S + ENOUGH / 50)
            found = self.ways.timeline().between(since_s, self.ways.clock.now())
            if not found.failed:
                break
        return found

    def _pass(self, seconds: float) -> None:
        self.ways.clock.sleep(seconds)

    # --- stages ------------------------------------------------------------------------------------------------------
    def _driven(self) -> Iterator[record.Stage]:
        """The document's stages, then everything (§5.3.1)."""
        for term in (*self.ways.terms.stages, self.ways.terms.full):
            self.ways.say(
                f"{term.name} of the users to green, for {term.planned_s:g} s ({term.written_s:g} s written)"
            )
            self.ways.road.shift(term.weight)
            yield self._stage(term, self._is_ours)

    def _followed(self) -> Iterator[record.Stage]:
        """Whatever weight the pipeline sets is a stage; it is over when it sets another one, which it must at last."""
        road, full = self.ways.road, self.ways.terms.full
        self._wait_for_pipeline()
        while road.routes.green:
            term = self.ways.terms.term(road.routes.green)
            self.ways.say(f"the pipeline has sent {term.name} of the users to green")
            stage = self._stage(term, self._is_pipelines)
            yield stage
            if math.isclose(term.weight, full.weight):
                return
            if road.routes.green == term.weight:
                lasted = f"{FOLLOWED * term.planned_s:g} s, and {term.planned_s:g} s were planned"
                raise Changed(f"the pipeline has left {term.name} of the users on green for {lasted}")
        raise Changed("the pipeline has taken the users back from green")

    def _wait_for_pipeline(self) -> None:
        road, clock = self.ways.road, self.ways.clock
        self.ways.say("nobody is on green yet: waiting for the pipeline")
        until_s = clock.now() + begins_s(self.ways.terms.pace)
        while not road.routes.green:
            if clock.now() > until_s:
                raise Changed("the pipeline has sent nobody to green")
            self._pass(self.ways.terms.tick_s / 2)
            road.followed()

    def _stage(self, term: Term, goes_on: Callable[[StageRun, float], bool]) -> record.Stage:
        ways, begun_s = self.ways, self.ways.clock.now()
        eyes = Seeing(ways.around, ways.terms, ways.timeline)
        run = StageRun(ways.terms, term, eyes, begun_s, self.clustering)
        for due_s in moments(begun_s, ways.terms.tick_s):
            self._pass(max(0.0, due_s - ways.clock.now()))
            at_s = ways.clock.now()
            run.tick(at_s)
            ways.on_progress(run.progress(at_s))
            if run.decision is not None or not goes_on(run, at_s):
                break
        decision = run.end()
        self.clustering = run.watch.clustering
        found = run.record(ways.topped_up_rps, eyes.queries)
        self.stages.append(found)
        ways.say(f"{term.name}: {decision.outcome}: {decision.reasons[0] if decision.reasons else ''}")
        return found

    def _is_ours(self, run: StageRun, at_s: float) -> bool:
        """Raises Changed where somebody else has touched the routes."""
        self.ways.road.checked()
        return not run.is_over(at_s)

    def _is_pipelines(self, run: StageRun, at_s: float) -> bool:
        if self.ways.road.followed():
            return False
        if math.isclose(run.term.weight, self.ways.terms.full.weight):
            return not run.is_over(at_s)
        return at_s - run.begun_s < FOLLOWED * run.term.planned_s

    # --- after -------------------------------------------------------------------------------------------------------
    def _clean(self, plan: Clean) -> tuple[record.Step, ...]:
        ways = self.ways
        services = ways.around.target.services
        old = Old(
            ways.fleets[Side.BLUE], self._known.replicas[Side.BLUE], services, inside(ways.around, Side.BLUE)
        )
        ways.folder.mkdir(parents=True, exist_ok=True)
        titles, ready_s = titles_of(ways.around.target), ways.terms.release.pods_ready.seconds
        return clean(old, Cleaning(plan, titles, ready_s, ways.folder), ways.clock)

    def _back(self, reason: str, kind: str = "automatic") -> record.Rollback:
        ways = self.ways
        back = Rollback(
            ways.around,
            ways.road,
            ways.fleets,
            self._known,
            ways.terms.rollback,
            ways.clock,
            ways.say,
            cleans=ways.terms.release.clean is not None,
        )
        is_rolled_back = self.stages and self.outcome is Outcome.ROLL_BACK
        decided_s = self.stages[-1].decision.at_s if is_rolled_back else ways.clock.now()
        return back.run(Why(reason, decided_s, self._onset_s(), kind))

    def _onset_s(self) -> float | None:
        """The tick before green's first bad answer of the stage that was rolled back."""
        if not self.stages or self.outcome is not Outcome.ROLL_BACK:
            return None
        stage = self.stages[-1]
        first = [
            max((point.at_s for point in metric.points if not point.green_bad), default=stage.begun_s)
            for metric in stage.metrics
            if metric.points and metric.points[-1].green_bad
        ]
        return min(first, default=None)

    def _put_back(self) -> record.Restored:
        """As it was found: first users, who go where they can be served; then numbers of replicas and marks. Read
        again, not taken for granted."""
        wrong: list[str] = []
        for act in (self._users_back, self._fleets_back, self._different, self._gone_again):
            try:
                wrong += act()
            except TROUBLES as error:
                wrong.append(str(error))
        said = "; ".join(wrong) if wrong else "everything stands as it was found"
        return record.Restored(not wrong, said, self.ways.clock.now())

    def _users_back(self) -> list[str]:
        ways, blue = self.ways, self.ways.fleets[Side.BLUE]
        blue.at_least(self._known.replicas[Side.BLUE])
        budget = ways.terms.rollback.automatic
        if lacking := blue.wait_ready(budget.verify.seconds):
            return [f"blue: {lacking}; the users stay where they are"]
        if self.observe:
            return []
        began_s = ways.clock.now()
        ways.road.restore(ways.road.found)
        is_gone = (
            ways.road.found.green or ways.road.wait_left("green", began_s, budget.switch.seconds) is not None
        )
        return [] if is_gone else ["green still answers users"]

    def _fleets_back(self) -> list[str]:
        ways = self.ways
        ways.fleets[Side.BLUE].mark(self._mark)
        green, wanted = ways.fleets[Side.GREEN], self._known.replicas[Side.GREEN]
        if green.replicas() == wanted:  # then it was not touched, and is as ready as it was
            return []
        green.put_back(wanted)
        lacking = green.wait_ready(ways.terms.rollback.automatic.verify.seconds)
        return [f"green: {lacking}"] if lacking else []

    def _gone_again(self) -> list[str]:
        """What was made for this release."""
        try:
            self.ways.unmake()
        except HealFailed as error:
            return [str(error)]
        return []

    def _different(self) -> list[str]:
        ways = self.ways
        now = ways.road.router.read()
        found = [
            f"{fleet.namespace} runs {fleet.replicas()}, and ran {self._known.replicas[side]}"
            for side, fleet in ways.fleets.items()
            if fleet.replicas() != self._known.replicas[side]
        ]
        if not self.observe and now.body["spec"] != ways.road.found.body["spec"]:
            found.append(f"{now.name}: {now}, and was {ways.road.found}")
        if ways.fleets[Side.BLUE].marked() != self._mark:
            found.append("blue's mark is not what it was")
        return found

    # -----------------------------------------------------------------------------------------------------------------
    def _conclude(self, outcome: Outcome, reasons: Sequence[str]) -> None:
        self.outcome, self.reasons = outcome, tuple(reasons)

    def _tell(self, kind: str, text: str) -> None:
        self.told += self.ways.tell(kind, text)
