"""A lab comes up whole, can be joined, stands beside another, and leaves nothing behind, however it ends."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from fixtures.lab import Lab, home_of
from fixtures.lab.lab import ROOT, BadName, alive, clear, starting

UP = [sys.executable, "-m", "fixtures.lab"]
PORTS_OF_A_LAB = (
    (1, 6443),
    (10, 8443),
    (20, 5432),
    (21, 6379),
    (30, 9090),
    (31, 9093),
    (32, 9095),
    (40, 5000),
)


def fresh_name() -> str:
    return f"test-{random.randrange(16**8):08x}"


def until(true: Callable[[], bool], what: str, timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s"
        time.sleep(0.05)


def family(lab: Lab) -> list[psutil.Process]:
    supervisor = psutil.Process(lab.facts["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def listening(lab: Lab) -> list[str]:
    """Which of the lab's ports still take a connection."""
    found = []
    for last, port in PORTS_OF_A_LAB:
        address = (f"127.{lab.facts['subnet']}.0.{last}", port)
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            found.append(f"{address[0]}:{port}")
    return found


def must_be_gone(lab: Lab, processes: list[psutil.Process]) -> None:
    until(lambda: not any(alive(process.pid) for process in processes), "every process of the lab ends")
    assert listening(lab) == []


@pytest.fixture
def lab() -> Iterator[Lab]:
    started = Lab.start("hwayo", fresh_name())
    try:
        yield started
    finally:
        started.stop()


def test_two_labs_stand_side_by_side_and_each_goes_alone(lab: Lab) -> None:
    other = Lab.start("hwayo", fresh_name())
    try:
        assert other.facts["subnet"] != lab.facts["subnet"]
        for each in (lab, other):
            assert len(listening(each)) == len(PORTS_OF_A_LAB)
            page = httpx.get(
                f"{each.facts['entry']}/health",
                verify=ssl.create_default_context(cafile=each.facts["ca"]),
                headers={"canary": "true"},
            )
            assert page.status_code == 200
            assert page.headers["x-served-side"] == "green"
    finally:
        processes = family(other)
        other.stop()
    must_be_gone(other, processes)
    assert not home_of(other.facts["name"]).exists()
    assert len(listening(lab)) == len(PORTS_OF_A_LAB)


def test_a_second_process_joins_and_sees_the_same_lab(lab: Lab) -> None:
    name = lab.facts["name"]
    seen = subprocess.run(
        [*UP, "status", "--name", name], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert lab.facts["entry"] in seen.stdout
    again = subprocess.run([*UP, "up", "--name", name], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "is up already" in again.stdout
    others = subprocess.run(
        [*UP, "status", "--name", fresh_name()], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert others.returncode == 1
    assert f"also up: '{name}' (hwayo, {lab.facts['entry']})" in others.stdout
    down = subprocess.run([*UP, "down", "--name", name], capture_output=True, text=True, cwd=ROOT, check=True)
    assert down.returncode == 0
    assert Lab.join(name) is None
    assert list(home_of(name).parent.glob(f"{name}*")) == []


def test_one_at_a_time_brings_a_lab_up_and_leaves_no_lock(tmp_path: Path) -> None:
    name, inside, most = fresh_name(), 0, 0
    count = threading.Lock()

    def bring_up() -> None:
        nonlocal inside, most
        with starting(name):
            with count:
                inside, most = inside + 1, max(most, inside + 1)
            time.sleep(0.01)
            with count:
                inside -= 1

    people = [threading.Thread(target=bring_up) for _ in range(12)]
    for one in people:
        one.start()
    for one in people:
        one.join(10)
    assert (inside, most) == (0, 1)
    assert not home_of(name).with_suffix(".lock").exists()


def test_a_killed_parent_leaves_no_process_and_no_port() -> None:
    name = fresh_name()
    program = f"from fixtures.lab import Lab; import time; Lab.start('hwayo', {name!r}); time.sleep(300)"
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    until(lambda: Lab.join(name) is not None, "the lab comes up", 90)
    lab = Lab.join(name)
    assert lab is not None
    processes = family(lab)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(10)
    must_be_gone(lab, processes)


def test_a_killed_supervisor_leaves_no_process_and_no_port() -> None:
    lab = Lab.start("hwayo", fresh_name())
    processes = family(lab)
    os.kill(lab.facts["pid"], signal.SIGKILL)
    must_be_gone(lab, processes)
    lab.stop()


def test_ctrl_c_takes_a_lab_down() -> None:
    name = fresh_name()
    supervisor = subprocess.Popen(
        [*UP, "up", "--name", name, "--quiet"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    until(lambda: Lab.join(name) is not None, "the lab comes up", 90)
    lab = Lab.join(name)
    assert lab is not None
    processes = family(lab)
    supervisor.send_signal(signal.SIGINT)
    said, _ = supervisor.communicate(timeout=15)
    assert supervisor.returncode == 0
    assert "down in" in said
    must_be_gone(lab, processes)


def test_a_lab_that_is_not_there_is_said_so() -> None:
    name = fresh_name()
    seen = subprocess.run(
        [*UP, "status", "--name", name], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert seen.returncode == 1
    assert "bring one up" in seen.stdout


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp/elsewhere", "Default", "-x"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadName, match="expected small letters"):
        home_of(name)
    asked = subprocess.run(
        [*UP, "up", f"--name={name}"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert asked.returncode == 2
    assert "as a lab's name" in asked.stderr


def test_a_folder_that_is_no_labs_is_left_alone(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(BadName, match="no lab's folder"):
        clear(tmp_path)
    assert thesis.exists()
    (tmp_path / "layout.json").touch()
    clear(tmp_path)
    assert not tmp_path.exists()
