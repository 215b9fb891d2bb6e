"""Loads pages over and over, cold, and counts the slow. What cannot matter any more of the planned is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext

from fixtures.statistics import lower_limit, needed_samples
from fixtures.target import Bound, Objective, Target
from fixtures.target.pages import Page
from reports.verdicts import Evidence, Measurement
from scenarios.journeys.browser.timing import Cold, Load
from scenarios.journeys.browser.visit import address, pictures

LEAST = 60  # loads of a page that has a promise of its own; as many more as its bound needs
OTHERS = 12  # loads of every other page, where there is a promise on all of them
ROUND = 12  # loads in a row of one page in one context; the first is a new visitor's
GIVEN_UP = 1.5  # times the laxest bound: what takes longer is not waited for

Sample = Mapping[str, Sequence[Load]]  # by the page's name
NewContext = Callable[[Page], BrowserContext]


@dataclass(frozen=True)
class Planned:
    """One page's part of the sample."""

    page: Page
    loads: int
    bound: Bound  # its own, or the one on all pages
    own: bool = True

    @property
    def hopeless(self) -> int:
        """So many bad ones of the planned number prove the bound broken, whatever the others are."""
        share = self.bound.bad_share
        return next(bad for bad in range(1, self.loads + 1) if lower_limit(bad, self.loads) > share)


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
        return len(loads) < self._of_use(one, sample) and bad(loads, one.bound) < one.hopeless

    def _of_use(self, one: Planned, sample: Sample) -> int:
        """No more than its share counts where another page was given up, unless it has a promise of its own."""
        if one.own:
            return one.loads
        given_up = [
            other for other in self.plan if bad(sample[other.page.name], other.bound) >= other.hopeless
        ]
        done = min((len(sample[other.page.name]) / other.loads for other in given_up), default=1.0)
        return math.ceil(done * one.loads)

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
            found.append(Planned(page, max(LEAST, needed_samples(bound.bad_share)), bound))
        elif over_all:
            found.append(Planned(page, OTHERS, over_all.that, own=False))
    return sorted(found, key=lambda one: not one.own)  # where one is given up, the others need less


def is_bad(load: Load, bound: Bound) -> bool:
    return bool(load.failed) or not bound.admits(load.took_s)


def bad(loads: Iterable[Load], bound: Bound) -> int:
    return sum(is_bad(load, bound) for load in loads)


# --- what was measured ------------------------------------------------------------------------------------------------
def measured(objective: Objective, bound: Bound, sampler: Sampler, sample: Sample) -> Measurement:
    """The promise's own page, or all of them in the shares in which they were planned; the bad ones by that bound."""
    parts = _parts(objective, sampler.plan, sample)
    loads = [load for part in parts.values() for load in part]
    slow = [load for load in loads if is_bad(load, bound)]
    evidence = [Evidence("how long the pages took", table(parts), "table"), Evidence(said_of(parts), "")]
    for name in parts:
        evidence += sampler.first_bad.get(name, ()) if slow else ()
    why = next((load.failed for load in slow if load.failed), "")
    return Measurement(
        quantile([load.took_s for load in loads], objective), "s", len(loads), len(slow), why=why,
        evidence=tuple(evidence),
    )  # fmt: skip


def _parts(objective: Objective, plan: Sequence[Planned], sample: Sample) -> dict[str, Sequence[Load]]:
    if path := objective.over.subject:
        return {one.page.name: sample[one.page.name] for one in plan if one.page.path == path}
    # A page that was given up early must not count for less than it was planned to.
    done = min((len(sample[one.page.name]) / one.loads for one in plan), default=0.0)
    return {one.page.name: sample[one.page.name][: math.ceil(done * one.loads)] for one in plan}


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
