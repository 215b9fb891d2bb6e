"""`python -m scenarios.load.master FOLDER HOST:PORT WORKERS`: drives Locust's own distributed workers with a plan.

Speaks to the engine as a worker does (JSON lines), for all of them; merges their histograms into FOLDER/cells.json.
"""

from __future__ import annotations

import locust  # first: it patches what the others use  # isort: skip

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.fileobject import FileObjectThread
from locust.env import Environment
from locust.runners import MasterRunner

from scenarios.load.cells import Cells
from scenarios.load.distributed import TO_MASTER, TO_WORKER
from scenarios.load.worker import say

CONNECT_S = 60.0
LEAD_S = 0.5
SILENT_S = 5.0  # a worker reports every second
CELLS = "cells.json"


class Conductor:
    """Knows its workers by their part of the plan; a part that falls silent, or misses a report, is lost."""

    def __init__(self, runner: MasterRunner, parts: int) -> None:
        self._runner, self._parts = runner, parts
        self._part: dict[str, int] = {}
        self._heard: dict[int, float] = {}
        self._next: dict[int, int] = {}
        self._event: dict[int, str] = {}
        self.cells = Cells()
        runner.register_message(TO_MASTER, self.heard)

    def gather(self) -> bool:
        """Wait for the workers; False where too few came."""
        came = _wait(lambda: len(self._runner.clients.ready) >= self._parts, CONNECT_S)
        for part, client in enumerate(sorted(one.id for one in self._runner.clients.ready)[: self._parts]):
            self._part[client] = part
            self._next[part] = 0
            self._event[part] = ""
        return came

    def order(self, **what: Any) -> None:
        for client, part in self._part.items():
            self._heard[part] = time.monotonic()
            self._runner.send_message(TO_WORKER, {**what, "part": part, "parts": self._parts}, client)

    def heard(self, msg: Any, **_: Any) -> None:
        part = self._part.get(msg.node_id)
        if part is None or self._event[part] == "lost":
            return
        said = dict(msg.data)
        rows, number = said.pop("rows"), said.pop("number")
        if number != self._next[part]:
            self._lose(part)
            return
        self._next[part] += 1
        self._heard[part] = time.monotonic()
        self._event[part] = said["event"]
        self.cells.add(rows)
        say(part=part, **said)

    def watch(self) -> None:
        """Until every worker is done or lost."""
        while any(event not in ("done", "lost", "failed") for event in self._event.values()):
            gevent.sleep(0.2)
            for client, part in self._part.items():
                silent = time.monotonic() - self._heard[part] > SILENT_S
                if self._event[part] == "progress" and (silent or client not in self._runner.clients):
                    self._lose(part)

    def _lose(self, part: int) -> None:
        self._event[part] = "lost"
        say(part=part, event="lost")


def main(folder: Path, bind: str, parts: int) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host, _, port = bind.rpartition(":")
    environment = Environment(events=locust.events)
    runner = environment.create_master_runner(host or "*", int(port))
    conductor = Conductor(runner, parts)
    if not conductor.gather():
        seen = len(runner.clients.ready)
        say(part=0, event="failed", why=f"{seen} of {parts} workers came to {bind} within {CONNECT_S:g} s")
        return 1
    plan = json.loads((folder / "plan.json").read_text())
    conductor.order(plan=plan)
    orders = FileObjectThread(sys.stdin.buffer, "rb")
    while line := orders.readline():
        order = json.loads(line)
        if "zero_ns" in order:
            conductor.order(lead_s=LEAD_S)
            gevent.spawn(_until_over, conductor, folder, runner)
        else:
            conductor.order(stop=True)
    runner.quit()
    return 0


def _until_over(conductor: Conductor, folder: Path, runner: MasterRunner) -> None:
    conductor.watch()
    (folder / CELLS).write_text(json.dumps(conductor.cells.plain()))
    say(event="over")
    runner.quit()


def _wait(ready: Callable[[], bool], bound_s: float) -> bool:
    until = time.monotonic() + bound_s
    while not ready() and time.monotonic() < until:
        gevent.sleep(0.05)
    return ready()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
