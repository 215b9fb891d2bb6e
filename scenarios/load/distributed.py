"""What makes a stock Locust worker one of ours: loaded beside the scenario on every other machine,

    locust -f scenarios/load/distributed.py,scenarios/load/hwayo.py --worker --master-host HOST --master-port PORT

it waits for a plan, sends what the plan says, and reports histograms through Locust's own connection to the master.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from locust import events
from locust.runners import WorkerRunner

from scenarios.load.cells import Gathering
from scenarios.load.generator import Generator, SetUpFailed
from scenarios.load.plan import Plan
from scenarios.load.pulse import Pulse
from scenarios.load.recorder import Recorder

TO_WORKER, TO_MASTER = "verdigris-order", "verdigris-said"


class Station:
    """A worker's side of the conversation: a plan, the word to go, the word to stop."""

    def __init__(self, runner: WorkerRunner) -> None:
        self._runner = runner
        self._generator: Generator | None = None
        self._number = 0
        runner.register_message(TO_WORKER, self.told, concurrent=True)

    def told(self, msg: Any, **_: Any) -> None:
        order = msg.data
        if "plan" in order:
            self._prepare(order)
        elif "lead_s" in order and self._generator is not None:
            self._run(self._generator, time.monotonic_ns() + int(order["lead_s"] * 1e9))
        elif "stop" in order and self._generator is not None:
            self._generator.stop()

    def _prepare(self, order: dict[str, Any]) -> None:
        plan = Plan.read(order["plan"])
        self._gathering = Gathering(plan.bounds_us)
        self._recorder = Recorder(self._gathering.write, self._gathering.names, plan.served_header)
        try:
            generator = Generator(plan, order["part"], order["parts"], self._recorder, self._gathering.names)
            generator.prepare()
        except SetUpFailed as failed:
            self._say(event="failed", why=str(failed))
            return
        self._generator = generator
        self._say(event="ready")

    def _run(self, generator: Generator, zero_ns: int) -> None:
        pulse = Pulse(generator, self._recorder, zero_ns)
        beat = gevent.spawn(self._beat, pulse)
        generator.run(zero_ns)
        beat.kill()
        self._say(event="done", written=self._gathering.written, **pulse.last())
        self._generator = None

    def _beat(self, pulse: Pulse) -> None:
        while True:
            gevent.sleep(1.0)
            self._say(event="progress", **pulse.beat())

    def _say(self, **what: Any) -> None:
        """Reports are numbered, so that the master sees when one is missing."""
        gathering = getattr(self, "_gathering", None)
        rows = gathering.report() if gathering is not None else []
        self._runner.send_message(TO_MASTER, {**what, "rows": rows, "number": self._number})
        self._number += 1


def begin(environment: Any, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        Station(environment.runner)


events.init.add_listener(begin)  # type: ignore[no-untyped-call]
