"""What a comparison of blue and green notices, on a machine with a noisy neighbour.

A hundred comparisons in real time would take hours. So one long run of the same code on both sides is recorded, with
the neighbour at work, and each comparison draws its windows from that recording: real noise, with its ups and downs in
time. "Slower" multiplies green's recorded latencies.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.baseline.sides import A_SIDE, MOST, Change, Window, compare
from scenarios.load.arrivals import constant
from scenarios.load.engine import Means, run_load
from scenarios.load.plan import Open, Plan
from scenarios.load.samples import Samples
from tests.bench.figures import Figure
from tests.bench.load_server import serving
from tests.bench.load_stock import LOCUSTFILE

RATE_RPS, LENGTH_S, COMPARISONS, A_WINDOW = 300, 60, 100, 200
NEIGHBOUR = """
import random, time
while True:
    until = time.monotonic() + random.uniform(0.05, 1.5)
    while time.monotonic() < until:
        sum(range(1000))
    time.sleep(random.uniform(0.05, 1.5))
"""
Column = NDArray[Any]


def figures() -> list[Figure]:
    one, other = _recorded()
    print(f"  recorded {len(one)} pairs; windows of the same code one after the other differ by more than 10% "
          f"in {_alternating(one):.0%} of pairs", flush=True)  # fmt: skip
    flagged = {slower: _flagged(one, other, slower) for slower in (1.0, 1.1, 1.2)}
    print(f"  10% slower: flagged in {flagged[1.1]} of {COMPARISONS} (reported, no bound)", flush=True)
    return [
        Figure(f"load: same code flagged, of {COMPARISONS} (drawn from a recording)", flagged[1.0], 0, ""),
        Figure(
            f"load: 20% slower flagged, of {COMPARISONS} (drawn)",
            flagged[1.2],
            COMPARISONS,
            "",
            at_least=True,
        ),
    ]


def _recorded() -> tuple[Column, Column]:
    """Latencies of both sides, pair by pair, with a neighbour who comes and goes."""
    sides = {"blue": {}, "green": {"canary": "true"}}
    with serving() as (url, _), _neighbour():
        plan = Plan(url, Open(constant(RATE_RPS, LENGTH_S), sessions=20), LOCUSTFILE, sides)
        run = run_load(plan, Means())
    samples = run.samples
    assert isinstance(samples, Samples)
    columns = []
    for side in sides:
        part = samples.of(asked=side)
        columns.append(part.waited_us[np.argsort(part.due_ms, kind="stable")])
    pairs = min(map(len, columns))
    return columns[0][:pairs], columns[1][:pairs]


@contextmanager
def _neighbour() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) as process:
        yield
        process.kill()


def _flagged(one: Column, other: Column, slower: float) -> int:
    return sum(_comparison(one, other, slower, seed) is Change.REGRESSED for seed in range(COMPARISONS))


def _comparison(one: Column, other: Column, slower: float, seed: int) -> Change:
    """Windows from anywhere in the recording; who is called blue is drawn too."""
    rng = np.random.default_rng(seed)
    begins = rng.integers(0, len(one) - A_WINDOW, MOST)
    blue, green = (one, other) if rng.random() < 0.5 else (other, one)
    cut = [Window(blue[at : at + A_WINDOW], green[at : at + A_WINDOW] * slower) for at in begins]
    return compare(cut, seed).change


def _alternating(one: Column) -> float:
    """Of neighbouring windows of the same side, how many pairs have p50s more than 10% apart."""
    windows = [one[at : at + A_SIDE] for at in range(0, len(one) - A_SIDE, A_SIDE)]
    p50 = np.array([np.median(window) for window in windows])
    ratio = p50[1::2] / p50[: len(p50) // 2 * 2 : 2][: len(p50[1::2])]
    return float(np.mean(np.abs(np.log(ratio)) > np.log(1.1)))
