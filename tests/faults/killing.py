"""A run that puts a fault in over and over, and its watchdog, forked from one process that has everything imported:
many of each are wanted. They run the code that a gate runs."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace

from fixtures.clock import wait_until
from fixtures.ledger import Runner, started
from scenarios.faults.acts import Hands
from scenarios.faults.healing import Healer
from scenarios.faults.place import Place
from scenarios.faults.radius import BlastRadius
from scenarios.faults.site import Fault, Site
from scenarios.faults.watchdog import PATIENCE_S, Watchdog

HOLDS_S = 0.3  # so that kills fall into healing too
MOST = 30  # victims


class _Standing:
    def must_live(self) -> None:
        """It was forked beside."""


@dataclass(frozen=True)
class Killed:
    """`left`: entries that were open just before the kill. `code`: the watchdog's."""

    left: int
    healed_s: float
    code: int


@dataclass(frozen=True)
class Pair:
    place: Place
    runner: int
    watchdog: int

    @classmethod
    def start(cls, place: Place, harm: Callable[[Hands], Fault]) -> Pair:
        reads, writes = os.pipe()
        go_reads, go_writes = os.pipe()

        def run() -> None:
            os.close(reads)
            os.read(go_reads, 1)
            with place.opened() as hands:
                fault, site = harm(hands), Site(hands, place.ledger, _Standing())
                while True:
                    with site.inject(fault, BlastRadius(at_most=MOST)):
                        time.sleep(HOLDS_S)

        runner = _forked(run)

        def watch() -> None:
            os.close(writes)
            with place.opened() as hands:
                hands.objects.list_objects("Namespace")
                who = replace(Runner.me(), pid=runner, started=started(runner))
                os.write(go_writes, b"!")
                healer = Healer(hands, place.ledger, PATIENCE_S)
                found = Watchdog(healer, place.ledger, who).watch(reads)
                sys.exit(int(any(one.failed for one in found)))

        watchdog = _forked(watch)
        for end in (reads, writes, go_reads, go_writes):
            os.close(end)
        return cls(place, runner, watchdog)

    def kill(self, within_s: float, meanwhile: Callable[[], object] = lambda: None) -> Killed:
        """SIGKILL for the runner, `meanwhile` for what else happens then. Raises TimedOut where entries are left."""
        left = len(self.place.ledger.entries())
        os.kill(self.runner, signal.SIGKILL)
        os.waitpid(self.runner, 0)
        killed = time.monotonic()
        meanwhile()
        wait_until(lambda: not self.place.ledger.entries(), within_s, poll_s=0.02)
        healed_s = time.monotonic() - killed
        return Killed(left, healed_s, os.waitstatus_to_exitcode(os.waitpid(self.watchdog, 0)[1]))


def _forked(do: Callable[[], None]) -> int:
    if pid := os.fork():
        return pid
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(one, signal.SIG_DFL)
    try:
        do()
        os._exit(0)
    except SystemExit as error:
        os._exit(int(str(error.code or 0)))
    except BaseException:  # noqa: BLE001 - a forked child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
