"""What watching costs: how long a thousand ticks of twenty metrics take, and what a day's watch holds in memory."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np

from scenarios.release.watch import Metric, Watch
from tests.bench.ending import in_order
from tests.bench.figures import Figure, report

TICKS, METRICS = 1_000, 20
DAY = 86_400


def ticks(number: int, metrics: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """(ticks, metrics, counts): 5 of 100 requests are green's, half a percent of either side's fails."""
    rng = np.random.default_rng(1)
    green, blue = rng.binomial(100, 0.05, (number, metrics)), rng.binomial(100, 0.95, (number, metrics))
    columns = (green, rng.binomial(green, 0.005), blue, rng.binomial(blue, 0.005))
    return np.stack(columns, axis=2).astype(np.float64)


def main() -> int:
    metrics = [Metric(f"metric {number}", bound=0.05) for number in range(METRICS)]
    counts = ticks(TICKS, METRICS)
    took_s, end_s = (min(one) for one in zip(*(_took_s(metrics, counts) for _ in range(5)), strict=True))
    first_hour, after = _memory(metrics[:5])
    print(
        f"  a watch of five metrics holds {first_hour / 1e6:.2f} MB after an hour, {after / 1e6:.2f} MB after a day"
    )
    print(f"  the one look at the end of a stage takes {end_s * 1000:.0f} ms more")
    return report(
        [
            Figure("1,000 ticks of 20 metrics judged", took_s * 1000, 100, "ms"),
            Figure("memory that a day's watch takes beyond an hour's", (after - first_hour) / 1e6, 0.1, "MB"),
        ]
    )


def _took_s(
    metrics: list[Metric], counts: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
) -> tuple[float, float]:
    """Of all ticks, and of the look at the end."""
    watch, begun_s = Watch(metrics, TICKS), time.perf_counter()
    for at, tick in enumerate(counts):
        watch.observe(float(at), tick)
    ticked_s = time.perf_counter()
    watch.end()
    return ticked_s - begun_s, time.perf_counter() - ticked_s


def _memory(metrics: list[Metric]) -> tuple[int, int]:
    """Bytes held after an hour of ticks a second apart, and after a day."""
    counts = ticks(3600, len(metrics))
    tracemalloc.start()
    watch = Watch(metrics, DAY)
    held = []
    for at in range(DAY):
        watch.observe(float(at), counts[at % len(counts)])
        if at + 1 in (3600, DAY):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return held[0], held[1]


if __name__ == "__main__":
    in_order()
    main()
