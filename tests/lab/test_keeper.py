"""A store that dies is started again, so often and no more; an order keeps it down, or has it serve something else."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab.keeper import Keeper, Patience
from fixtures.lab.layout import Layout
from fixtures.lab.process import Part, PartFailed

ENDS_S = 20.0
PATIENT = Patience()


def sleeper(serves: str) -> Part:
    """Ends in order when it is asked to, and says so."""
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('in order', flush=True), sys.exit(0)))\n"
        f"print('up {serves}', flush=True); time.sleep(60)"
    )
    return Part("sleeper", [sys.executable, "-c", program])


def dies(_: str) -> Part:
    return Part("sleeper", [sys.executable, "-c", "print('out of memory'); raise SystemExit(3)"])


class Home:
    """A lab's home with nothing in it but a keeper."""

    def __init__(
        self, folder: Path, part: Callable[[str], Part] = sleeper, patience: Patience = PATIENT
    ) -> None:
        self.layout = Layout(200, folder)
        self.layout.logs.mkdir()
        self.layout.order("x").parent.mkdir()
        self.keeper = Keeper("sleeper", part, self.layout, patience)

    def order(self, **told: str) -> None:
        file = self.layout.order("sleeper")
        file.with_suffix(".new").write_text(json.dumps(told))
        file.with_suffix(".new").rename(file)

    def until(self, true: Callable[[], bool]) -> None:
        def looked() -> bool:
            self.keeper.look()
            return true()

        wait_until(looked, ENDS_S, poll_s=0.02)

    def says(self, text: str) -> Callable[[], bool]:
        return lambda: text in self.keeper.running.log.read_text()

    @property
    def log(self) -> str:
        file = self.layout.logs / "keeper.log"
        return file.read_text() if file.exists() else ""

    def kill(self) -> None:
        os.kill(self.keeper.running.process.pid, signal.SIGKILL)
        self.keeper.running.process.wait(10)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    made.until(made.says("up"))
    yield made
    made.keeper.running.stop()


def test_what_was_killed_is_started_again_and_the_log_says_so(home: Home) -> None:
    before = home.keeper.running.process.pid
    home.kill()
    home.until(lambda: home.keeper.running.alive)
    assert home.keeper.running.process.pid != before
    assert "sleeper ended with exit code -9: restart 1" in home.log
    assert "sleeper started" in home.log


def test_what_dies_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    made = Home(tmp_path, dies, Patience(most=3, pause_s=0.01))
    with pytest.raises(
        PartFailed, match=r"(?s)sleeper ended with exit code 3, after 3 restarts.*out of memory"
    ):
        made.until(lambda: False)
    assert made.log.count(": restart") == 3
    assert "is given up" in made.log


@pytest.mark.parametrize(("how", "in_order"), [("kill", False), ("stop", True)])
def test_what_is_ordered_down_stays_down_until_the_order_is_gone(
    home: Home, how: str, in_order: bool
) -> None:
    home.order(down=how)
    home.until(lambda: not home.keeper.running.alive)
    home.until(lambda: "is down, as it was ordered" in home.log)
    assert home.says("in order")() is in_order
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        home.keeper.look()
        assert not home.keeper.running.alive
    home.layout.order("sleeper").unlink()
    home.until(lambda: home.keeper.running.alive)
    assert "restart" not in home.log  # nothing died by itself


def test_another_folder_is_served_on_order_after_the_first_was_ended_in_order(home: Home) -> None:
    home.order(serve="/elsewhere")
    home.until(home.says("up /elsewhere"))
    assert home.says("in order")()
    home.kill()
    home.until(lambda: home.log.count("started on /elsewhere") == 2)  # also after it died there


def test_who_will_not_end_in_order_is_ended_by_force(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    made = Home(tmp_path, lambda _: Part("sleeper", [sys.executable, "-c", deaf]), Patience(stops_s=0.2))
    made.until(made.says("up"))
    made.order(down="stop")
    made.until(lambda: "is down" in made.log)
    assert made.keeper.running.process.returncode == -signal.SIGKILL
