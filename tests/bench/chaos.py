"""A healthy lab stays silent under every experiment: the whole chaos stage, again and again on one lab, and its time.

python -m tests.bench.chaos --runs 3: a piece of it. The first run brings the lab up, as a run of a pipeline would.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fixtures.lab import Lab
from tests.bench.ending import in_order
from tests.bench.figures import Figure, report
from tests.bench.healthy import gate

NAME = "bench-chaos"
RUNS = 10
BOUND_S = 240.0


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    chosen = parser.parse_args(arguments)
    code, with_lab_s = _run()
    more = _on_a_ready_lab(chosen.runs - 1) if chosen.runs > 1 else []
    silent = [code, *(one for one, _ in more)].count(0)
    figures = [
        Figure("chaos: healthy runs that passed", silent, chosen.runs, "", at_least=True),
        Figure("chaos: the stage, with a lab's coming up and going", with_lab_s, BOUND_S, "s"),
    ]
    if more:
        slowest_s = max(took_s for _, took_s in more)
        figures.append(Figure("chaos: slowest stage on a ready lab", slowest_s, BOUND_S, "s"))
    return report(figures)


def _on_a_ready_lab(runs: int) -> list[tuple[int, float]]:
    lab = Lab.start("hwayo", NAME)
    try:
        return [_run() for _ in range(runs)]
    finally:
        lab.stop()


def _run() -> tuple[int, float]:
    """Exit code and seconds; what did not pass is said."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        code = gate(NAME, folder, "suites/chaos")
        took_s = time.monotonic() - began
        found = json.loads((Path(folder) / "verdict.json").read_text())["findings"]
    verdicts = Counter(one["verdict"] for one in found)
    print(f"  exit {code}, {took_s:.1f} s, {dict(verdicts)}", flush=True)
    for one in found:
        if one["verdict"] != "PASS":
            print(f"    {one['name']}: {one['verdict']}: {one['reason']}", flush=True)
    return code, took_s


if __name__ == "__main__":
    in_order()
    sys.exit(main(sys.argv[1:]))
