"""A part ends when told, by force when it will not, and with its parent whatever happened to that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.lab.lab import alive
from fixtures.lab.process import Part, PartFailed, Running

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def started(part: Part, folder: Path) -> Running:
    running = Running(part, folder / f"{part.name}.log")
    until(lambda: "up" in running.log.read_text())
    return running


def until(true: object, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    assert callable(true)
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_a_part_ends_when_told(tmp_path: Path) -> None:
    running = started(Part("sleeper", SLEEPER), tmp_path)
    running.must_live()
    running.stop()
    assert running.process.returncode == -signal.SIGTERM


def test_a_part_that_will_not_end_is_killed_after_its_grace(tmp_path: Path) -> None:
    running = started(Part("stubborn", STUBBORN, grace_s=0.2), tmp_path)
    running.stop()
    assert running.process.returncode == -signal.SIGKILL


def test_a_part_that_has_ended_is_named_with_its_last_words(tmp_path: Path) -> None:
    part = Part("broken", [sys.executable, "-c", "print('no such database'); raise SystemExit(3)"])
    running = Running(part, tmp_path / "broken.log")
    running.process.wait(10)
    with pytest.raises(PartFailed, match=r"(?s)broken ended with exit code 3.*no such database"):
        running.must_live()


def test_a_part_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent_program = (
        "import sys, time; from pathlib import Path; from fixtures.lab.process import Part, Running\n"
        f"running = Running(Part('child', {SLEEPER!r}), Path({str(log)!r}))\n"
        "print(running.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    until(lambda: "up" in log.read_text())
    assert alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    parent.stdout.close()
    until(lambda: not alive(child))
