"""PostgreSQL's programs end with whoever runs them; what they start for good does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fixtures.clock import wait_until
from fixtures.platforms.postgres.programs import Login, ProgramFailed, Programs

ROOT = Path(__file__).resolve().parents[2]
RUNS = "from fixtures.platforms.postgres.programs import Programs; Programs().run('sleep', '60')"


def test_a_program_ends_with_whoever_was_killed_while_it_ran() -> None:
    with subprocess.Popen([sys.executable, "-c", RUNS], cwd=ROOT) as runner:
        watched = psutil.Process(runner.pid)
        wait_until(lambda: [one.name() for one in watched.children()] == ["sleep"], 20)
        (program,) = watched.children()
        runner.send_signal(signal.SIGKILL)
    wait_until(lambda: not program.is_running() or program.status() == psutil.STATUS_ZOMBIE, 5)


def test_what_a_program_says_is_told_and_its_time_is_bounded() -> None:
    assert Programs().run("echo", "well") == "well\n"
    with pytest.raises(ProgramFailed, match=r"ended with 2: .*nowhere"):
        Programs().run("ls", "/nowhere")
    begun = time.monotonic()
    with pytest.raises(ProgramFailed, match=r"not done after 0.2 s"):
        Programs().run("sleep", "60", timeout_s=0.2)
    assert time.monotonic() - begun < 30
    with pytest.raises(ProgramFailed, match="cannot be run"):
        Programs().run("no-such-program")


def test_a_password_is_no_argument_and_is_not_shown() -> None:
    login = Login("127.0.0.1", 5432, password="hidden")
    assert "hidden" not in repr(login)
    assert login.settings["PGPASSWORD"] == "hidden"
