"""However a run ends, its fault ends with it: by ctrl-C, SIGTERM, SIGKILL, by its time, by command, on any machine."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.clock import wait_until
from fixtures.evidence import Missing
from fixtures.platforms.changes import Ref
from fixtures.platforms.kubernetes import Kubernetes
from scenarios.faults.__main__ import heal, status, stop
from scenarios.faults.acts import Hands
from scenarios.faults.healing import left_behind, marks
from scenarios.faults.place import ROOT, Place
from scenarios.faults.site import essence
from tests.cluster.servers import ApiServer

HEALS_S = 5.0  # what is promised
STARTS_S = 20.0
CONTAINER = {"name": "web", "image": "web:1"}
DEPLOYMENT = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}},
    },
}


@pytest.fixture
def namespace(platform: Kubernetes) -> str:
    name = f"shop-{random.randrange(16**6):06x}"
    platform.create_object(
        Ref("Namespace", "", name), {"metadata": {"labels": {"verdigris.dev/chaos": "allowed"}}}
    )
    platform.create_object(Ref("Deployment", name, "web"), DEPLOYMENT)
    return name


@pytest.fixture
def place(server: ApiServer, tmp_path: Path) -> Place:
    return Place(str(tmp_path / "ledger"), str(server.kubeconfig), None)


@pytest.fixture
def hands(platform: Kubernetes) -> Hands:
    def say(*_: str) -> None:
        raise AssertionError("no store here")

    return Hands(platform, say)


class Run:
    """A run of its own, with a fault in."""

    def __init__(self, place: Place, namespace: str, expires_s: float = 60) -> None:
        command = [sys.executable, "-m", "tests.faults.runner", namespace, str(expires_s)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(place.text + "\n")
        self.process.stdin.flush()

    def says(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def end(self) -> None:
        """Also what a failed test left."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(STARTS_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def run(place: Place, namespace: str) -> Iterator[Run]:
    found = Run(place, namespace)
    found.says("ready")
    yield found
    found.end()


def state(platform: Kubernetes, namespace: str) -> list[Any]:
    kinds = ("Deployment", "NetworkPolicy")
    found = [essence(one) for kind in kinds for one in platform.list_objects(kind, namespace)]
    return [
        *found,
        [essence(one) for one in platform.list_objects("Namespace") if one["metadata"]["name"] == namespace],
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_healed_and_not_with_success(
    run: Run, platform: Kubernetes, place: Place, namespace: str, number: signal.Signals
) -> None:
    before = state(platform, namespace)
    run.says("in")
    assert state(platform, namespace) != before
    run.process.send_signal(number)
    assert run.process.wait(STARTS_S) != 0
    assert state(platform, namespace) == before
    assert place.ledger.entries() == []


def test_a_killed_run_is_healed_by_its_watchdog_in_time(
    run: Run, platform: Kubernetes, place: Place, namespace: str
) -> None:
    before = state(platform, namespace)
    run.says("in")
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not place.ledger.entries(), HEALS_S)
    assert state(platform, namespace) == before
    assert marks(platform) == []


def test_a_run_killed_at_any_moment_leaves_nothing(
    platform: Kubernetes, place: Place, namespace: str
) -> None:
    before = state(platform, namespace)
    for _ in range(2):  # test_kills has many, forked
        run = Run(place, namespace)
        run.says("ready")
        time.sleep(random.uniform(0, 0.05))
        run.process.kill()
        run.process.wait()
        run.end()
        wait_until(lambda: not place.ledger.entries() and state(platform, namespace) == before, HEALS_S)
        assert marks(platform) == []


def test_a_run_that_hangs_is_healed_when_its_time_is_up(
    platform: Kubernetes, place: Place, namespace: str
) -> None:
    before = state(platform, namespace)
    run = Run(place, namespace, expires_s=1.0)
    try:
        run.says("ready")
        run.says("in")
        run.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state(platform, namespace) == before, 1 + HEALS_S)
    finally:
        run.process.send_signal(signal.SIGCONT)
        run.end()


def test_on_another_machine_the_marks_alone_heal(
    run: Run, hands: Hands, place: Place, namespace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ledger lies on a machine that has lost its power: nobody reads it any more."""
    platform = hands.objects
    assert isinstance(platform, Kubernetes)
    before = state(platform, namespace)
    run.says("in")
    elsewhere = replace(place, folder=str(tmp_path / "elsewhere"))
    assert left_behind(platform, elsewhere.ledger) == []  # its run goes on
    assert heal(hands, elsewhere.ledger) == 0
    assert state(platform, namespace) == before
    assert f"cut on Deployment {namespace}/web: healed" in capsys.readouterr().out


def test_an_emergency_stop_ends_the_run_and_its_fault(
    run: Run, hands: Hands, place: Place, namespace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    platform = hands.objects
    assert isinstance(platform, Kubernetes)
    before = state(platform, namespace)
    run.says("in")
    assert status(hands, place.ledger) == 0
    assert stop(hands, place.ledger) == 0
    assert run.process.wait(STARTS_S) != 0
    assert state(platform, namespace) == before
    said = capsys.readouterr().out
    assert "its run goes on" in said
    assert f"ending the run of process {run.process.pid}" in said


def test_where_no_platform_is_stated_none_is_opened(tmp_path: Path) -> None:
    """Not even a cluster that is at hand: of a system that runs on something else, it is somebody else's."""
    with pytest.raises(Missing, match="states no platform"), Place(str(tmp_path), None, None).opened():
        pass


def test_a_damaged_entry_is_shouted(hands: Hands, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(place.folder)
    folder.mkdir(parents=True)
    (folder / "0123.json").write_text('{"fault": "cu')
    assert heal(hands, place.ledger) == 1
    assert "NOT HEALED" in capsys.readouterr().out
