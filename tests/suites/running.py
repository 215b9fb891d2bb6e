"""Runs a stage of the gate as people do, in a process of its own, and reads what it left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Plugins that the stages do not use, and that cost seconds of imports in each of so many runs.
LEFT_OUT = ("hypothesispytest", "xdist", "cacheprovider")
BROWSERS = "playwright"


@dataclass(frozen=True)
class Run:
    """`findings` by their objective's name, as verdict.json has them."""

    exit_code: int
    findings: dict[str, dict[str, Any]]
    output: str

    def with_verdict(self, *verdicts: str) -> set[str]:
        """Names of those that gate and have one of these verdicts."""
        return {
            name
            for name, one in self.findings.items()
            if one["verdict"] in verdicts and not one.get("absent")
        }

    def reasons(self, verdict: str, of: Collection[str] = ()) -> str:
        """Of those who are named; of all where nobody is."""
        chosen = (one for name, one in self.findings.items() if not of or name in of)
        return "\n".join(one["reason"] for one in chosen if one["verdict"] == verdict)


def run_stage(
    *stages: str,
    lab: str,
    folder: Path,
    options: tuple[str, ...] = (),
    timeout_s: float = 240,
    answers: str | None = None,
) -> Run:
    """`answers`: what a person says at the terminal, a line each."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        *(f"suites/{stage}" for stage in stages),
        "-q",
        *(f"-pno:{one}" for one in (*LEFT_OUT, *(() if "e2e" in stages else (BROWSERS,)))),
    ]
    command += ["--target", "hwayo", "--lab", lab, "--run-dir", str(folder), *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False, input=answers
    )
    assert (folder / "verdict.json").exists(), done.stdout + done.stderr
    verdict = json.loads((folder / "verdict.json").read_text())
    return Run(done.returncode, {one["name"]: one for one in verdict["findings"]}, done.stdout + done.stderr)
