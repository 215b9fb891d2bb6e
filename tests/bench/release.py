"""A healthy release promotes ten times of ten, and users leave green at once when it is taken back."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from fixtures.lab import Lab
from tests.bench.figures import Figure, report
from tests.release.carried import Carried, carried

NAME = "bench-release"
RUNS = 10


def main() -> int:
    lab = Lab.start("hwayo", NAME)
    found: list[Carried] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number in range(RUNS):
                found.append(carried(lab, Path(folder) / str(number)))
                one = found[-1].record
                print(
                    f"  run {number + 1}: {one.outcome}, {one.ended_s - one.begun_s:.0f} s, {_left(one.reasons)}",
                    flush=True,
                )
    finally:
        lab.stop()
    backs = [one.record.rollback for one in found if one.record.rollback is not None]
    left_s = [one.last_green_s - one.decided_s for one in backs if one.last_green_s is not None]
    promoted = sum(one.record.outcome == "promote" for one in found)
    restored = sum(one.record.restored is not None and one.record.restored.ok for one in found)
    return report(
        [
            Figure("release: healthy ones that were promoted", promoted, RUNS, "", at_least=True),
            Figure("release: left as it was found", restored, RUNS, "", at_least=True),
            Figure(
                "release: probes that failed in all of them",
                sum(one.record.failed_probes for one in found),
                0,
                "",
            ),
            Figure(
                "release: last green answer after the decision, median",
                statistics.median(left_s or [9e9]),
                2,
                "s",
            ),
        ]
    )


def _left(reasons: tuple[str, ...]) -> str:
    return "; ".join(reasons)[:160]
