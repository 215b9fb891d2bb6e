"""Runs a plan with Locust in processes of its own, follows them, and reads what they recorded. Safe to import anywhere:
gevent never comes near this process."""

from __future__ import annotations

import selectors
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from fixtures.clock import POLL_S
from fixtures.evidence import NoEvidence
from reports.baseline.histogram import Histogram
from scenarios.load.plan import Open, Plan
from scenarios.load.processes import SILENT_S, Fleet, Local, Source
from scenarios.load.result import LoadRun, Phase
from scenarios.load.validity import Ended, Reading, ServerCount, judge

SET_UP_S = 120.0
LEAD_S = 0.3  # from the word to the first arrival, so that every generator has heard it


class CannotStart(NoEvidence):
    """The generators did not come up: the message says which and why."""


class Counter(Protocol):
    """The server's own count of requests."""

    source: str
    exclusive: bool  # whether nobody else uses the server meanwhile, so that the counts must be equal

    def read(self) -> Reading:
        """What it has counted so far. Raises NoEvidence."""


@dataclass(frozen=True)
class Progress:
    """What is happening, once a second. `p95_s` is of the last second; None where nothing was answered."""

    elapsed_s: float
    left_s: float
    rate_rps: float
    done: int
    failed: int
    in_flight: int
    p95_s: float | None

    def __str__(self) -> str:
        p95 = f"{self.p95_s * 1000:.0f} ms" if self.p95_s is not None else "–"
        share = self.failed / self.done if self.done else 0
        return (
            f"{self.rate_rps:.0f}/s, {self.failed} errors ({share:.2%}), p95 {p95}, "
            f"{self.in_flight} in flight, {self.left_s:.0f} s left"
        )


OnProgress = Callable[[Progress], None]


@dataclass
class Means:
    """With what a run is made. `secrets` reach the generators as environment variables and are written nowhere."""

    fleet: Fleet = field(default_factory=lambda: Local(1))
    secrets: Mapping[str, str] = field(default_factory=dict)
    counter: Counter | None = None
    on_progress: OnProgress | None = None
    keep: Path | None = None  # where the records go; without it they are gone when they were read


class Traffic:
    """A run that is under way. Mark phases as they begin; `finish` waits for its end, `stop` brings it about."""

    def __init__(self, plan: Plan, means: Means, folder: Path) -> None:
        self.plan, self.means, self._folder = plan, means, folder
        self._sources: list[Source] = []
        self._selector = selectors.DefaultSelector()
        self._zero_ns = 0
        self._zero_unix = 0.0
        self._stopped_ns: int | None = None
        self._before: Reading | None = None
        self._marks: list[tuple[str, float]] = [("before", 0.0)]
        self._told_s = -1

    # --- beginning ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Bring the generators up, let their users log in, read the server's count, and say go. Raises CannotStart."""
        (self._folder / "plan.json").write_text(self.plan.written())
        self._sources = self.means.fleet.start(self._folder, self.means.secrets)
        for source in self._sources:
            self._selector.register(source.out, selectors.EVENT_READ, source)
        self._follow(lambda source: source.all("ready", "failed"), time.monotonic() + SET_UP_S)
        not_up = next((source for source in self._sources if not source.all("ready")), None)
        if not_up is not None:
            raise CannotStart(f"generator {not_up.parts[0].name} did not come up: {not_up.complaint()}")
        if self.means.counter is not None:
            self._before = self.means.counter.read()
        self._zero_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        self._zero_unix = time.time() + LEAD_S
        for source in self._sources:
            for part in source.parts:
                part.said = {}
            source.tell(zero_ns=self._zero_ns)

    @property
    def pids(self) -> list[int]:
        return [source.process.pid for source in self._sources]

    @property
    def alive(self) -> bool:
        """Whether every generator runs."""
        return all(source.alive for source in self._sources)

    # --- under way ---------------------------------------------------------------------------------------------------
    @property
    def elapsed_s(self) -> float:
        return (time.monotonic_ns() - self._zero_ns) / 1e9

    def phase(self, name: str) -> None:
        """From now on, what is due belongs to this phase. The first is called "before"; each name is used once."""
        if any(name == marked for marked, _ in self._marks):
            raise ValueError(f"phase {name!r} has begun before")
        self._marks.append((name, self.elapsed_s))

    def run_for(self, seconds: float) -> None:
        """Let it run on, following it; returns early when it is over."""
        self._follow(lambda source: source.over, time.monotonic() + seconds)

    def stop(self) -> None:
        """No more arrivals."""
        self._stopped_ns = time.monotonic_ns()
        for source in self._sources:
            source.tell(stop=True)

    def finish(self) -> LoadRun:
        """Wait for the end of the plan, and for what is in flight; then read every record."""
        end_s = self._duration_s()
        bound_s = max(0.0, end_s - self.elapsed_s) + self.plan.drain_s + SILENT_S
        self._follow(lambda source: source.over, time.monotonic() + bound_s)
        samples = self.means.fleet.collect(self._folder)
        run = LoadRun(self.plan, samples, end_s, self._zero_unix, self._phases(end_s))
        parts = [part for source in self._sources for part in source.parts]
        run.generators = [part.generated() for part in parts if part.event == "done"]
        lost = [part.name for part in parts if part.event != "done"]
        counted = None
        if self._before is not None and self.means.counter is not None:
            counter = self.means.counter
            seen = counter.read().since(self._before)
            run.server = ServerCount(seen, counter.source, counter.exclusive)
            counted = (run.sent(), run.server)
        model = self.plan.model
        planned = round(model.profile.planned(end_s)) if isinstance(model, Open) else None
        run.validity = judge(Ended(run.generators, lost, planned, samples.count), counted)
        return run

    def end(self) -> None:
        """Nothing of it is left, however it went."""
        self._selector.close()
        for source in self._sources:
            source.end()

    # -----------------------------------------------------------------------------------------------------------------
    def _duration_s(self) -> float:
        if self._stopped_ns is None:
            return self.plan.model.duration_s
        return min(self.plan.model.duration_s, max(0.0, (self._stopped_ns - self._zero_ns) / 1e9))

    def _phases(self, duration_s: float) -> list[Phase]:
        edges = [*self._marks, ("", duration_s)]
        spans = ((one[0], one[1], after[1]) for one, after in pairwise(edges))
        return [Phase(name, begin, end) for name, begin, end in spans if end > begin]

    def _follow(self, over: Callable[[Source], bool], until: float) -> None:
        """Read what the generators say until all are `over`, dead or silent, or the time has come."""
        while time.monotonic() < until:
            if not any(source.alive and not over(source) for source in self._sources):
                return
            for key, _ in self._selector.select(min(POLL_S, max(0.0, until - time.monotonic()))):
                source: Source = key.data
                if not source.hear():
                    self._selector.unregister(key.fileobj)
            self._tell()

    def _tell(self) -> None:
        said = [part.said for source in self._sources for part in source.parts if "elapsed_s" in part.said]
        if self.means.on_progress is None or not said:
            return
        elapsed_s = max(one["elapsed_s"] for one in said)
        if int(elapsed_s) <= self._told_s:
            return
        self._told_s = int(elapsed_s)
        recent = Histogram()
        for one in said:
            recent.merge(Histogram({int(index): seen for index, seen in one["recent"].items()}))
        p95_us = recent.quantile(0.95)
        self.means.on_progress(
            Progress(
                elapsed_s=elapsed_s,
                left_s=max(0.0, self._duration_s() - elapsed_s),
                rate_rps=float(recent.count),
                done=sum(one["done"] for one in said),
                failed=sum(one["failed"] for one in said),
                in_flight=sum(one["in_flight"] for one in said),
                p95_s=p95_us / 1e6 if p95_us is not None else None,
            )
        )


@contextmanager
def traffic(plan: Plan, means: Means) -> Iterator[Traffic]:
    """A run in the background: `with traffic(plan, means) as load: ...; run = load.finish()`."""
    with tempfile.TemporaryDirectory(prefix="verdigris-load-") as temporary:
        folder = means.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        running = Traffic(plan, means, folder)
        try:
            running.start()
            yield running
        finally:
            running.end()


def run_load(plan: Plan, means: Means | None = None) -> LoadRun:
    """A whole run, from its beginning to its end. Raises CannotStart, and NoEvidence where the counter has none."""
    with traffic(plan, means or Means()) as running:
        return running.finish()
