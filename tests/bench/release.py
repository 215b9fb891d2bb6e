"""A healthy release promotes ten times of ten, and users leave green at once when a bad one is rolled back."""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fixtures.lab import Lab
from fixtures.lab.defects import known, put_in
from reports.release.record import Release
from tests.bench.figures import Figure, report
from tests.labs import a_lab, a_way_in
from tests.release.carried import carried

NAME = "bench-release"
RUNS, BAD_RUNS = 10, 5


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        healthy = [_carried_alone(Path(folder) / str(number)) for number in range(RUNS)]
        with a_lab(NAME) as lab, a_way_in(lab) as access:
            put_in(access, known("hwayo")["green-errors"])
            bad = [_carried(lab, Path(folder) / f"bad-{number}") for number in range(BAD_RUNS)]
    restored = sum(one.restored is not None and one.restored.ok for one in (*healthy, *bad))
    return report(
        [
            _count("healthy ones that were promoted", _ended(healthy, "promote"), RUNS),
            _count("bad ones that were rolled back", _ended(bad, "roll back"), BAD_RUNS),
            _count("left as it was found", restored, RUNS + BAD_RUNS),
            Figure(
                "release: probes that failed in the healthy ones",
                sum(one.failed_probes for one in healthy),
                0,
                "",
            ),
            Figure("release: last green answer after the decision, median", _left_s(bad), 2, "s"),
            Figure("release: the same where blue had been scaled down: §6.2.1", _left_s(healthy), 30, "s"),
        ]
    )


def _carried_alone(folder: Path) -> Release:
    """In a lab of its own: monitoring keeps the series of every pod that the releases before it replaced."""
    with a_lab(NAME) as lab:
        return _carried(lab, folder)


def _carried(lab: Lab, folder: Path) -> Release:
    found = carried(lab, folder).record
    reasons = "; ".join(found.reasons)
    print(f"  {folder.name}: {found.outcome}, {found.ended_s - found.begun_s:.0f} s, {reasons}", flush=True)
    return found


def _ended(found: Sequence[Release], outcome: str) -> int:
    return sum(one.outcome == outcome for one in found)


def _left_s(found: Sequence[Release]) -> float:
    """How long after the decision green's last answer reached a user; for ever where nobody was taken back."""
    backs = [one.rollback for one in found if one.rollback is not None]
    return statistics.median(
        [one.last_green_s - one.decided_s for one in backs if one.last_green_s is not None] or [math.inf]
    )


def _count(what: str, found: int, of: int) -> Figure:
    return Figure(f"release: {what}", found, of, "", at_least=True)
