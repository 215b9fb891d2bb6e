"""A run that puts a fault in over and over, and its watchdog, forked from one process that has everything imported:
many of each are wanted. They run the code that a gate runs."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fixtures.clock import wait_until
from fixtures.evidence import Unreachable
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


class Unheard:
    """Whoever is told to change something and does not answer, the first so many times."""

    WRITES = ("create_object", "replace_object", "delete_object")

    def __init__(self, objects: Any, times: int) -> None:
        self._objects, self.left = objects, times

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._objects, name)
        return self.failing(call) if name in self.WRITES else call

    def failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            if self.left:
                self.left -= 1
                raise Unreachable("nobody answers")
            return call(*arguments, **options)

        return called

    @classmethod
    def of(cls, hands: Hands, times: int) -> Hands:
        made: Any = cls(hands.objects, times)
        return replace(hands, objects=made, say=made.failing(hands.say))


@dataclass(frozen=True)
class Trouble:
    """What goes wrong besides. `unheard`: calls of the heal that fail. `disk_full_s`: from when on the disk is full."""

    unheard: int = 0
    disk_full_s: float | None = None

    def comes_to_the_disk(self) -> None:
        """The kernel lets this process write no file that is longer than this, as on a full disk."""
        if self.disk_full_s is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            signal.signal(
                signal.SIGALRM,
                lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY)),
            )
            signal.setitimer(signal.ITIMER_REAL, max(0.001, self.disk_full_s))


NONE = Trouble()


@dataclass(frozen=True)
class Killed:
    """`left`: entries that were open just before the kill. `code`: the watchdog's. `ended`: with what code the run had
    ended by itself before it could be killed."""

    left: int
    healed_s: float
    code: int
    ended: int | None = None


@dataclass(frozen=True)
class Pair:
    place: Place
    runner: int
    watchdog: int

    @classmethod
    def start(cls, place: Place, harm: Callable[[Hands], Fault], trouble: Trouble = NONE) -> Pair:
        reads, writes = os.pipe()
        go_reads, go_writes = os.pipe()

        def run() -> None:
            os.close(reads)
            os.read(go_reads, 1)
            trouble.comes_to_the_disk()
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
                healer = Healer(Unheard.of(hands, trouble.unheard), place.ledger, PATIENCE_S)
                found = Watchdog(healer, place.ledger, who).watch(reads)
                failed = [one.text for one in found if one.failed]
                print(*failed, sep="\n", end="\n" * bool(failed), file=sys.stderr, flush=True)
                sys.exit(int(bool(failed)))

        watchdog = _forked(watch)
        for end in (reads, writes, go_reads, go_writes):
            os.close(end)
        return cls(place, runner, watchdog)

    def kill(
        self,
        within_s: float,
        meanwhile: Callable[[], object] = lambda: None,
        is_as_before: Callable[[], bool] = lambda: True,
    ) -> Killed:
        """SIGKILL for the runner, `meanwhile` for what else happens then. Raises TimedOut where entries are left, or
        anything else is not as it was."""
        left = len(self.place.ledger.entries())
        pid, status = os.waitpid(self.runner, os.WNOHANG)
        if not pid:
            os.kill(self.runner, signal.SIGKILL)
            os.waitpid(self.runner, 0)
        killed = time.monotonic()
        try:
            meanwhile()
            wait_until(lambda: not self.place.ledger.entries() and is_as_before(), within_s, poll_s=0.02)
            healed_s = time.monotonic() - killed
        finally:
            code = os.waitstatus_to_exitcode(os.waitpid(self.watchdog, 0)[1])
        return Killed(left, healed_s, code, os.waitstatus_to_exitcode(status) if pid else None)


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
        try:
            traceback.print_exc()
        finally:  # whatever it is written to may be full
            os._exit(1)
