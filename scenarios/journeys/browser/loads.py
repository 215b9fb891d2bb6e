"""Loads pages over and over, cold, and counts the slow. What cannot matter any more of the planned is left out; where a
few slow loads leave it open, more are made, up to a limit and at a price that was fixed beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from playwright.sync_api import BrowserContext

from fixtures.statistics import CONFIDENCE, allowed_bad, lower_limit, needed_samples
from fixtures.target import Bound, Objective, Target
from fixtures.target.pages import Page
from reports.verdicts import Evidence, Measurement
from scenarios.journeys.browser.timing import Cold, Load
from scenarios.journeys.browser.visit import address, pictures

# A page with a promise of its own is looked at up to four times: after so many loads that none of them, one, two, three
# may be slow. Each look may err with its own part of the 5% that a single one could err with, so all of them together
# err no more often (Bonferroni's inequality; Dunn 1961), whatever had one look again. Most is spent on the first, where
# healthy pages end: 66 loads in the place of 59.
SPENT = (0.035, 0.0075, 0.005, 0.0025)
OTHERS = 12  # loads of every other page, where there is a promise on all of them
ROUND = 12  # loads in a row of one page in one context; the first is a new visitor's
GIVEN_UP = 1.3  # times the laxest bound: what takes longer is not waited for

Sample = Mapping[str, Sequence[Load]]  # by the page's name
NewContext = Callable[[Page], BrowserContext]


@dataclass(frozen=True)
class Look:
    """A number of loads at which a page is judged, and how sure their count must make one."""

    loads: int
    confidence: float

    def hopeless(self, bound: Bound) -> int:
        """So many bad ones of them prove the bound broken, whatever the others are."""
        return _hopeless(self, bound.bad_share)

    def settles(self, bad: int, bound: Bound) -> bool:
        """Whether a sample of this size with so many bad ones keeps or breaks the bound."""
        return bad <= _allowed(self, bound.bad_share) or bad >= self.hopeless(bound)


@cache
def _allowed(look: Look, share: float) -> int:
    return allowed_bad(look.loads, share, look.confidence)


@cache
def _hopeless(look: Look, share: float) -> int:
    tried = range(1, look.loads + 1)
    return next(bad for bad in tried if lower_limit(bad, look.loads, look.confidence) > share)


def looks(bound: Bound) -> tuple[Look, ...]:
    """For one page's promise: so many loads that the first look may find none slow, the second one, and so on."""
    sure = [1 - spent for spent in SPENT]
    return tuple(Look(needed_samples(bound.bad_share, slow, one), one) for slow, one in enumerate(sure))


@dataclass(frozen=True)
class Planned:
    """One page's part of the sample."""

    page: Page
    bound: Bound  # its own, or the one on all pages
    looks: tuple[Look, ...]
    own: bool = True

    @property
    def loads(self) -> int:
        """Those that are made in any case."""
        return self.looks[0].loads

    def look(self, loads: Sequence[Load]) -> Look:
        """The one that settles it: the first at which the count does, or the last that was needed."""
        for look in self.looks[:-1]:
            slow = bad(loads[: look.loads], self.bound)
            # Where more are slow than even the last look may find, more loads could prove nothing but that.
            if len(loads) < look.loads or slow >= len(self.looks) or look.settles(slow, self.bound):
                return look
        return self.looks[-1]

    def open(self, loads: Sequence[Load]) -> bool:
        """Whether more loads can matter."""
        look = self.look(loads)
        return len(loads) < look.loads and bad(loads, self.bound) < look.hopeless(self.bound)

    def given_up(self, loads: Sequence[Load]) -> bool:
        return not self.open(loads) and len(loads) < self.loads


@dataclass
class Sampler:
    """Loads what was planned, once, in rounds over all pages, so that none has the quiet minute to itself."""

    plan: Sequence[Planned]
    new_context: NewContext
    made: Mapping[str, object] = field(default_factory=dict)
    first_bad: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)

    def run(self) -> Sample:
        sample: dict[str, list[Load]] = {one.page.name: [] for one in self.plan}
        patience_s = GIVEN_UP * max(one.bound.limit.amount for one in self.plan)
        while any(self._wants(one, sample) for one in self.plan):
            for one in self.plan:
                if self._wants(one, sample):
                    self._round(one, sample, patience_s)
        return sample

    def _wants(self, one: Planned, sample: Sample) -> bool:
        loads = sample[one.page.name]
        return one.open(loads) and (one.own or len(loads) < self._of_use(one, sample))

    def _of_use(self, one: Planned, sample: Sample) -> int:
        """Of a page without a promise of its own: no more than its share counts where another was given up."""
        done = [len(sample[other.page.name]) / other.loads for other in self.plan
                if other.given_up(sample[other.page.name])]  # fmt: skip
        return math.ceil(min(done, default=1.0) * one.loads)

    def _round(self, one: Planned, sample: Mapping[str, list[Load]], patience_s: float) -> None:
        """As many loads as one context is used for."""
        loads = sample[one.page.name]
        cold = Cold(self.new_context(one.page), one.page.ready)
        where = address(one.page, self.made)
        for _ in range(ROUND if cold.can_be_used_again else 1):
            if not self._wants(one, sample):
                break
            loads.append(cold.load(where, patience_s))
            if one.page.name not in self.first_bad and is_bad(loads[-1], one.bound):
                self.first_bad[one.page.name] = pictures(cold.context)
        cold.context.close()


def planned(target: Target, objectives: Iterable[Objective]) -> list[Planned]:
    """The sample that settles these promises."""
    chosen = [one for one in objectives if one.over.kind == "page"]
    own = {one.over.subject: one for one in chosen if one.over.subject}
    over_all = next((one for one in chosen if not one.over.subject), None)
    found = []
    for page in target.pages.values():
        if page.path in own:
            bound = own[page.path].that
            found.append(Planned(page, bound, looks(bound)))
        elif over_all:
            found.append(Planned(page, over_all.that, (Look(OTHERS, CONFIDENCE),), own=False))
    return sorted(found, key=lambda one: not one.own)  # where one is given up, the others need less


def is_bad(load: Load, bound: Bound) -> bool:
    return bool(load.failed) or not bound.admits(load.took_s)


def bad(loads: Iterable[Load], bound: Bound) -> int:
    return sum(is_bad(load, bound) for load in loads)


# --- what was measured ------------------------------------------------------------------------------------------------
def measured(objective: Objective, bound: Bound, sampler: Sampler, sample: Sample) -> Measurement:
    """The promise's own page, or all of them in the shares in which they were planned; the bad ones by that bound."""
    parts, confidence = _parts(objective, sampler.plan, sample)
    loads = [load for part in parts.values() for load in part]
    slow = [load for load in loads if is_bad(load, bound)]
    evidence = [Evidence("how long the pages took", table(parts), "table"), Evidence(said_of(parts), "")]
    for name in parts:
        evidence += sampler.first_bad.get(name, ()) if slow else ()
    why = next((load.failed for load in slow if load.failed), "")
    return Measurement(
        quantile([load.took_s for load in loads], objective), "s", len(loads), len(slow), why=why,
        evidence=tuple(evidence), confidence=confidence,
    )  # fmt: skip


def _parts(
    objective: Objective, plan: Sequence[Planned], sample: Sample
) -> tuple[dict[str, Sequence[Load]], float]:
    """The loads that count, by page, and how sure they must make one."""
    if path := objective.over.subject:
        (own,) = (one for one in plan if one.page.path == path)
        loads = sample[own.page.name]
        return {own.page.name: loads}, own.look(loads).confidence
    # A page that was given up early must not count for less than it was planned to, nor one with more loads for more.
    done = min((*(len(sample[one.page.name]) / one.loads for one in plan), 1.0))
    return {one.page.name: sample[one.page.name][: math.ceil(done * one.loads)] for one in plan}, CONFIDENCE


def quantile(values: Sequence[float], objective: Objective) -> float | None:
    """The smallest of the values that is at least the share's; exact, not interpolated."""
    if not values:
        return None
    share = float(objective.that.what.removeprefix("p")) / 100
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def table(parts: Mapping[str, Sequence[Load]]) -> str:
    """Per page: p50, p95 and the slowest, of load event, largest paint, data, and the last of them."""
    figures: dict[str, Callable[[Load], float | None]] = {
        "first byte": lambda load: load.first_byte_s,
        "load event": lambda load: load.load_s,
        "LCP": lambda load: load.lcp_s,
        "data shown": lambda load: load.ready_s,
        "page load": lambda load: load.took_s,
    }
    lines = [f"{'page':<14} {'':<10} {'loads':>6} {'p50':>9} {'p95':>9} {'slowest':>9}"]
    for name, loads in parts.items():
        for title, figure in figures.items():
            seen = sorted(value for load in loads if (value := figure(load)) is not None)
            ranks = [seen[math.ceil(share * len(seen)) - 1] for share in (0.5, 0.95, 1.0)] if seen else []
            shown = " ".join(f"{value * 1000:6.0f} ms" for value in ranks) or "never seen"
            lines.append(f"{name:<14} {title:<10} {len(seen):>6} {shown}")
    return "\n".join(lines)


def said_of(parts: Mapping[str, Sequence[Load]]) -> str:
    """What the sample was."""
    loads = [load for part in parts.values() for load in part]
    fresh, failed = sum(load.fresh for load in loads), sum(bool(load.failed) for load in loads)
    return (
        f"{len(loads)} cold loads, one after the other: each with an empty cache, {fresh} of them in a fresh context "
        f"(new process, new connection, as a new visitor has), {failed} never came up whole. A page is loaded when "
        "its load event has fired, its largest paint is there, and it shows its data."
    )
