"""A healthy lab stays silent: preflight and smoke twenty times in a row on one lab, and how long they take."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from fixtures.lab import Lab
from fixtures.lab.lab import ROOT
from tests.bench.figures import Figure, report

NAME = "bench-healthy"
RUNS = 20


def main() -> int:
    lab = Lab.start("hwayo", NAME)
    codes, took_s = [], []
    try:
        for number in range(RUNS):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                codes.append(gate(NAME, folder, "suites/preflight", "suites/smoke"))
            took_s.append(time.monotonic() - began)
            print(f"  run {number + 1}: exit {codes[-1]}, {took_s[-1]:.1f} s", flush=True)
    finally:
        lab.stop()
    return report(
        [
            Figure("preflight and smoke: healthy runs that passed", codes.count(0), RUNS, "", at_least=True),
            Figure("preflight and smoke: slowest run on a ready lab", max(took_s), 40, "s"),
        ]
    )


def gate(lab: str, folder: str, *suites: str) -> int:
    """The exit code of one run, as a user makes it. `folder`: the run's."""
    command = ["-m", "pytest", *suites, "-q", "--lab", lab, "--run-dir", folder]
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, check=False
    ).returncode
