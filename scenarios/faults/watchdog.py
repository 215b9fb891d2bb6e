"""python -m scenarios.faults.watchdog: heals what a killed runner left behind, within seconds; a process of its own.

It holds the other end of a pipe: the kernel closes it with the runner, however that ends. Its first line says where.
What outlives its time is healed too, should the runner live and hang.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

from fixtures.ledger import Entry, Ledger, Runner, now
from scenarios.faults.healing import Healed, Healer
from scenarios.faults.place import Place

LOOK_S = 0.2
PATIENCE_S = 60.0  # of a platform that does not answer; what is left then is the next start's to heal
READY = "standing by"
LOG = "watchdog.log"


class Watchdog:
    def __init__(self, healer: Healer, ledger: Ledger, runner: Runner) -> None:
        self._healer, self._ledger, self._runner = healer, ledger, runner

    def watch(self, pipe: int) -> list[Healed]:
        """Until the pipe ends; what was left then, and what became of it."""
        while True:
            readable, _, _ = select.select([pipe], [], [], LOOK_S)
            # Also by its number: a child that it forked may hold the pipe open.
            if (readable and not os.read(pipe, 1024)) or not self._runner.is_alive:
                return self._healer.heal_of_killed(self.left)
            if expired := [entry for entry in self.left() if entry.expires <= now()]:
                _tell(self._ledger.folder, self._healer.heal_all(expired))

    def left(self) -> list[Entry]:
        return [entry for entry in self._ledger.entries() if entry.runner == self._runner]


def _tell(folder: Path, found: list[Healed]) -> None:
    """For whoever looks later: the runner is not there any more to be told."""
    if found:
        with (folder / LOG).open("a") as log:
            log.writelines(f"{now():.3f} {one.text}\n" for one in found)


def main() -> int:
    """Exit codes: 0 nothing is left, 1 something could not be healed."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)  # what ends the runner does not end who heals after it
    place, pid, started, machine = _told()
    runner = Runner(int(pid), started, machine)
    ledger = place.ledger
    with place.opened() as hands:
        hands.objects.list_objects("Namespace")  # connected, and everything imported, before it is needed
        print(READY, flush=True)
        healer = Healer(hands, ledger, PATIENCE_S)
        healed = Watchdog(healer, ledger, runner).watch(sys.stdin.fileno())
    _tell(ledger.folder, healed)
    return int(any(one.failed for one in healed))


def _told() -> tuple[Place, str, str, str]:
    """From stdin, byte by byte: what comes after the first line is not ours to keep in a buffer."""
    line = bytearray()
    while not line.endswith(b"\n"):
        line += os.read(sys.stdin.fileno(), 1) or b"\n"
    return Place.read(line.decode()), sys.argv[1], sys.argv[2], sys.argv[3]


if __name__ == "__main__":
    sys.exit(main())
