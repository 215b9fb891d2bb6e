"""How well a timeline tells when a switch was over: against the front door's own log, in a lab."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np

from fixtures.lab import Lab
from tests.bench.figures import Figure, report
from tests.release.switching import compare

NAME = "bench-timeline"
SWITCHES = 9


def main() -> int:
    lab = Lab.start("hwayo", NAME, progress=lambda line: print(f"  {line}", flush=True))
    try:
        with tempfile.TemporaryDirectory() as folder:
            compared = compare(lab, Path(folder), SWITCHES)
    finally:
        lab.stop()
    errors_ms = sorted(one.error_s * 1000 for one in compared.moments)
    p50_ms, p95_ms = np.percentile(np.abs(compared.answered_s), [50, 95]) * 1000
    live_s = statistics.median(one.log_s - one.told_s for one in compared.moments)
    print(
        f"  the last answers' errors of {SWITCHES} switches, ms: {', '.join(f'{ms:.1f}' for ms in errors_ms)}"
    )
    print(
        f"  a probe hears its answer {p50_ms:.1f} ms after the log has it sent (median; 95th: {p95_ms:.1f} ms)"
    )
    return report(
        [
            Figure("timeline: error of a side's last answer, median", statistics.median(errors_ms), 20, "ms"),
            Figure("timeline: error of one probe's answer, median", float(p50_ms), 20, "ms"),
            Figure("timeline: probes that the front door's log lacks", compared.missing, 0, ""),
            Figure("lab: last answer of the other side after a switch, median", live_s, 2, "s"),
        ]
    )
