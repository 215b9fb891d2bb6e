"""Kills a run with SIGKILL at random moments while it puts faults of every kind into a lab under load: what is left?

The runner and its watchdog are forked from one process that has everything imported, because 200 of each are wanted;
they run the code that `make gate` runs.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from fixtures.clock import TimedOut, wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from fixtures.ledger import Runner, started
from fixtures.target import Side, Target
from fixtures.target.faults import AnyFault
from scenarios.faults.catalogue import made
from scenarios.faults.healing import Healer, marks
from scenarios.faults.place import Place
from scenarios.faults.radius import BlastRadius
from scenarios.faults.site import Site
from scenarios.faults.watchdog import PATIENCE_S, Watchdog
from scenarios.load.arrivals import constant
from scenarios.load.document import secrets_of
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Open, Plan
from scenarios.surroundings import Surroundings
from tests.bench.figures import Figure, report
from tests.faults.test_lab import FAULTS, state

NAME = "bench-faults"
KILLS = int(os.environ.get("VERDIGRIS_KILLS", "200"))
BOUND_S = 5.0
LONGEST_S = 2.5  # after which a run is killed at the latest; a fault is in within a second or two
HOLDS_S = 0.5  # so that kills fall into healing too
LOAD_RPS = 10.0
WELL_S = 60.0


@dataclass
class Tale:
    healed_s: list[float] = field(default_factory=list)
    open_entries: Counter[int] = field(default_factory=Counter)  # that the kill left -> how often
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    lab = Lab.start("hwayo", NAME, progress=lambda line: print(f"  {line}", flush=True))
    try:
        with tempfile.TemporaryDirectory() as folder:
            tale = told(lab, folder)
    finally:
        lab.stop()
    for line in tale.wrong:
        print(f"  {line}", flush=True)
    left = sum(times for entries, times in tale.open_entries.items() if entries)
    print(f"  entries that a kill left open: {dict(sorted(tale.open_entries.items()))}", flush=True)
    return report(
        [
            Figure("faults: killed runs", KILLS, KILLS, "", at_least=True),
            Figure("faults: of them with something to heal", left, KILLS / 4, "", at_least=True),
            Figure("faults: of all, not exactly as before", len(tale.wrong), 0, ""),
            Figure("faults: longest heal after a kill", max(tale.healed_s), BOUND_S, "s"),
        ]
    )


def told(lab: Lab, folder: str) -> Tale:
    target = Target.load("hwayo")
    environment = target.environment("lab").with_facts(lab.facts)
    place = replace(Place.of("hwayo", environment), folder=folder)
    access, tale = Access(lab.facts), Tale()
    load = Plan(
        host=environment.entry or "",
        model=Open(constant(LOAD_RPS, 3600.0), sessions=10),
        sides={"green": dict(environment.route[Side.GREEN])},
        ca=environment.ca or "",
    )
    with ExitStack() as stack:
        users = stack.enter_context(traffic(load, Means(secrets=secrets_of(target, environment))))
        stack.callback(users.stop)
        hands = stack.enter_context(place.opened())
        before = state(hands.objects)
        for number in range(KILLS):
            users.run_for(0.01)
            wait_until(lambda: is_well(access), WELL_S)
            fault = FAULTS[number % len(FAULTS)]
            runner, watchdog = _pair(target, environment, place, fault)
            time.sleep(random.uniform(0.05, LONGEST_S))
            left = len(place.ledger.entries())
            os.kill(runner, signal.SIGKILL)
            os.waitpid(runner, 0)
            killed = time.monotonic()
            try:
                wait_until(lambda: not place.ledger.entries(), 4 * BOUND_S, poll_s=0.02)
            except TimedOut:
                tale.wrong.append(f"{number} {fault['fault']}: entries left {place.ledger.entries()}")
            tale.healed_s.append(time.monotonic() - killed)
            tale.open_entries[left] += 1
            _, status = os.waitpid(watchdog, 0)
            try:
                wait_until(lambda: state(hands.objects) == before and not marks(hands.objects), BOUND_S)
            except TimedOut:
                tale.wrong.append(f"{number} {fault['fault']}: not as before")
            if status:
                tale.wrong.append(f"{number} {fault['fault']}: the watchdog ended with {status}")
            print(
                f"  {number:3} {fault['fault']:<16} {left} open, healed in {tale.healed_s[-1]:.2f} s",
                flush=True,
            )
    access.close()
    return tale


def _pair(target: Target, environment: Any, place: Place, told: dict[str, Any]) -> tuple[int, int]:
    """A runner that puts the fault in, and the watchdog that holds the other end of its pipe; both under way."""
    reads, writes = os.pipe()
    go_reads, go_writes = os.pipe()

    def run() -> None:
        os.close(reads)
        os.read(go_reads, 1)
        around = Surroundings(target, environment, Side.GREEN)
        fault = made(TypeAdapter(AnyFault).validate_python(told), around)
        with place.opened() as hands:
            site = Site(hands, place.ledger, _Standing())
            while True:
                with site.inject(fault, BlastRadius(at_most=30)):
                    time.sleep(HOLDS_S)

    runner = _forked(run)

    def watch() -> None:
        os.close(writes)
        with place.opened() as hands:
            hands.objects.list_objects("Namespace")
            who = replace(Runner.me(), pid=runner, started=started(runner))
            os.write(go_writes, b"!")
            found = Watchdog(Healer(hands, place.ledger, PATIENCE_S), place.ledger, who).watch(reads)
            sys.exit(int(any(one.failed for one in found)))

    watchdog = _forked(watch)
    for end in (reads, writes, go_reads, go_writes):
        os.close(end)
    return runner, watchdog


class _Standing:
    def must_live(self) -> None:
        """It was forked beside."""


def _forked(do: Callable[[], None]) -> int:
    if pid := os.fork():
        return pid
    try:
        do()
        os._exit(0)
    except SystemExit as error:
        os._exit(int(str(error.code or 0)))
    except BaseException:  # noqa: BLE001 - a forked child must not go on as its parent
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
