"""Runs a plan with Locust in processes of its own, follows them, and reads what they recorded. Safe to import anywhere:
gevent never comes near this process."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from fixtures.clock import POLL_S
from reports.baseline.histogram import Histogram
from scenarios.load.plan import HOUSE, Open, Plan
from scenarios.load.result import LoadRun, Phase
from scenarios.load.samples import Samples
from scenarios.load.validity import Generated, ServerCount, judge

SET_UP_S = 120.0
LEAD_S = 0.3  # from the word to the first arrival, so that every generator has heard it
SILENT_S = 10.0  # a generator reports every second; one that is silent for so long is lost


class CannotStart(Exception):
    """The generators did not come up: the message says which and why."""


class Counter(Protocol):
    """The server's own count of requests."""

    source: str
    exclusive: bool

    def read(self) -> int:
        """How many so far. Raises NoEvidence."""


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

    workers: int = 1
    secrets: Mapping[str, str] = field(default_factory=dict)
    counter: Counter | None = None
    on_progress: OnProgress | None = None
    keep: Path | None = None  # where the records go; without it they are gone when they were read


class _Worker:
    """A generator process and what it said last."""

    def __init__(self, folder: Path, part: int, means: Means, environment: Mapping[str, str]) -> None:
        self.name, self.part = f"{part + 1} of {means.workers}", part
        self.log = folder / f"worker-{part}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scenarios.load.worker", str(folder), str(part), str(means.workers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                cwd=HOUSE,
                env={**environment, **means.secrets},
            )
        self.said: dict[str, Any] = {}
        self.heard_at = time.monotonic()
        self._rest = b""

    def tell(self, **order: Any) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.heard_at = 0.0  # gone; `follow` will see it

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it has said since; reads once, so call it when there is something."""
        assert self.process.stdout is not None
        self._rest += self.process.stdout.read(1 << 16)
        *whole, self._rest = self._rest.split(b"\n")
        for line in whole:
            self.said = json.loads(line)
            self.heard_at = time.monotonic()
            yield self.said

    @property
    def event(self) -> str:
        return str(self.said.get("event", ""))

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def complaint(self) -> str:
        tail = self.log.read_text(errors="replace").strip().splitlines()[-5:]
        return str(self.said.get("why") or "\n".join(tail) or f"exit code {self.process.poll()}")


class Traffic:
    """A run that is under way. Mark phases as they begin; `finish` waits for its end, `stop` brings it about."""

    def __init__(self, plan: Plan, means: Means, folder: Path) -> None:
        self.plan, self.means, self._folder = plan, means, folder
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._zero_ns = 0
        self._stopped_ns: int | None = None
        self._before: int | None = None
        self._marks: list[tuple[str, float]] = [("before", 0.0)]
        self._told = -1

    # --- beginning ---------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Bring the generators up, let their users log in, read the server's count, and say go. Raises CannotStart."""
        (self._folder / "plan.json").write_text(self.plan.written())
        environment = _environment()
        for part in range(self.means.workers):
            worker = _Worker(self._folder, part, self.means, environment)
            self._workers.append(worker)
            self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]
        self._follow(lambda worker: worker.event in ("ready", "failed"), time.monotonic() + SET_UP_S)
        not_up = [worker for worker in self._workers if worker.event != "ready"]
        if not_up:
            raise CannotStart(f"generator {not_up[0].name}: {not_up[0].complaint()}")
        if self.means.counter is not None:
            self._before = self.means.counter.read()
        self._zero_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        self._zero_unix = time.time() + LEAD_S
        for worker in self._workers:
            worker.tell(zero_ns=self._zero_ns)
            worker.said = {}

    @property
    def pids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers]

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
        self._follow(self._over, time.monotonic() + seconds)

    def stop(self) -> None:
        """No more arrivals."""
        self._stopped_ns = time.monotonic_ns()
        for worker in self._workers:
            worker.tell(stop=True)

    def finish(self) -> LoadRun:
        """Wait for the end of the plan, and for what is in flight; then read every record."""
        end_s = self.plan.model.duration_s if self._stopped_ns is None else self.elapsed_s
        bound_s = end_s - self.elapsed_s + self.plan.drain_s + SILENT_S
        self._follow(self._over, time.monotonic() + bound_s)
        lost = [worker.name for worker in self._workers if worker.event != "done"]
        files = [self._folder / f"records-{worker.part}.bin" for worker in self._workers]
        samples = Samples.read([path for path in files if path.exists()])
        duration_s = self._duration_s()
        run = LoadRun(self.plan, samples, duration_s, self._zero_unix, self._phases(duration_s))
        generators = [_generated(worker) for worker in self._workers if worker.event == "done"]
        counted = None
        if self._before is not None and self.means.counter is not None:
            counter = self.means.counter
            seen = counter.read() - self._before
            counted = (run.sent(), ServerCount(seen, counter.source, counter.exclusive))
        model = self.plan.model
        planned = round(model.profile.planned(duration_s)) if isinstance(model, Open) else None
        run.validity = judge(generators, lost, planned, counted)
        run.generators = generators
        return run

    def end(self) -> None:
        """Nothing of it is left, however it went."""
        self._selector.close()
        for worker in self._workers:
            worker.end()

    # -----------------------------------------------------------------------------------------------------------------
    def _duration_s(self) -> float:
        if self._stopped_ns is None:
            return self.plan.model.duration_s
        return min(self.plan.model.duration_s, max(0.0, (self._stopped_ns - self._zero_ns) / 1e9))

    def _phases(self, duration_s: float) -> list[Phase]:
        edges = [*self._marks, ("", duration_s)]
        spans = ((one[0], one[1], after[1]) for one, after in pairwise(edges))
        return [Phase(name, begin, end) for name, begin, end in spans if end > begin]

    def _over(self, worker: _Worker) -> bool:
        return worker.event == "done"

    def _follow(self, over: Callable[[_Worker], bool], until: float) -> None:
        """Read what the generators say until all are `over`, dead or silent, or the time has come."""
        while time.monotonic() < until:
            waiting = [worker for worker in self._workers if not over(worker) and _alive(worker)]
            if not waiting:
                return
            for key, _ in self._selector.select(min(POLL_S, max(0.0, until - time.monotonic()))):
                worker = key.data
                if not list(worker.lines()) and worker.process.poll() is not None:
                    self._selector.unregister(key.fileobj)
            self._tell()

    def _tell(self) -> None:
        said = [worker.said for worker in self._workers if "elapsed_s" in worker.said]
        if self.means.on_progress is None or not said:
            return
        elapsed_s = min(one["elapsed_s"] for one in said)
        if int(elapsed_s) <= self._told or len(said) < len(self._workers):
            return
        self._told = int(elapsed_s)
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


def _alive(worker: _Worker) -> bool:
    silent = time.monotonic() - worker.heard_at > SILENT_S and worker.event == "progress"
    return worker.process.poll() is None and not silent


def _generated(worker: _Worker) -> Generated:
    said = worker.said
    return Generated(
        name=worker.name,
        offered=said["offered"],
        dropped=said["dropped"],
        unfinished=said["unfinished"],
        written=said["written"],
        cpu_s=said["cpu_s"],
        busiest=said["busiest"],
        lateness=Histogram.read(said["lateness"]),
    )


def _environment() -> dict[str, str]:
    """The generators' own environment: ours, without what only pytest's process should see."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTHONUNBUFFERED": "1"}
