"""Kills a run with SIGKILL at random moments while it puts faults of every kind into a lab under load: what is left?

python -m tests.bench.faults --kills 20 --seed 7: a piece of it. The seed says which kinds come when, and the moments.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from fixtures.clock import TimedOut, wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from fixtures.target import Environment, Side, Target
from fixtures.target.faults import AnyFault
from scenarios.faults.acts import Hands
from scenarios.faults.catalogue import made
from scenarios.faults.healing import marks
from scenarios.faults.place import Place
from scenarios.faults.site import Fault
from scenarios.load.arrivals import constant
from scenarios.load.document import secrets_of
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Open, Plan
from scenarios.surroundings import Surroundings
from tests.bench.figures import Figure, report
from tests.faults.killing import Pair
from tests.faults.test_lab import FAULTS, state

NAME = "bench-faults"
KILLS = 200
BOUND_S = 5.0
LONGEST_S = 2.5  # after which a run is killed at the latest; a fault is in within a second or two
LOAD_RPS = 10.0
WELL_S = 60.0


@dataclass
class Tale:
    healed_s: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)  # what was being put in
    open_entries: Counter[int] = field(default_factory=Counter)  # that the kill left -> how often
    wrong: list[str] = field(default_factory=list)

    def goes_wrong(self, what: str) -> None:
        """Said at once: whoever ends the bench early has seen it."""
        self.wrong.append(what)
        print(f"  WRONG: {what}", flush=True)


def moments(kills: int, seed: int) -> Iterator[tuple[dict[str, Any], float]]:
    """What is put in, and how long after that its run is killed. Every kind comes before one comes again."""
    drawn, waiting = random.Random(seed), list[dict[str, Any]]()
    for _ in range(kills):
        if not waiting:
            waiting = drawn.sample(FAULTS, len(FAULTS))
        yield waiting.pop(), drawn.uniform(0.05, LONGEST_S)


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10_000)
    chosen = parser.parse_args(arguments)
    print(f"  --kills {chosen.kills} --seed {chosen.seed}", flush=True)
    lab = Lab.start("hwayo", NAME, progress=lambda line: print(f"  {line}", flush=True))
    try:
        with tempfile.TemporaryDirectory() as folder:
            tale = told(lab, folder, moments(chosen.kills, chosen.seed))
    finally:
        lab.stop()
    left = sum(times for entries, times in tale.open_entries.items() if entries)
    print(f"  entries that a kill left open: {dict(sorted(tale.open_entries.items()))}", flush=True)
    print(f"  kinds: {dict(sorted(tale.kinds.items()))}", flush=True)
    return report(
        [
            Figure("faults: killed runs", sum(tale.kinds.values()), chosen.kills, "", at_least=True),
            Figure("faults: of them with something to heal", left, chosen.kills / 4, "", at_least=True),
            Figure("faults: of all, not exactly as before", len(tale.wrong), 0, ""),
            Figure("faults: longest heal after a kill", max(tale.healed_s), BOUND_S, "s"),
        ]
    )


def told(lab: Lab, folder: str, drawn: Iterator[tuple[dict[str, Any], float]]) -> Tale:
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
        for number, (fault, moment_s) in enumerate(drawn):
            users.run_for(0.01)
            wait_until(lambda: is_well(access), WELL_S)
            tale.kinds[fault["fault"]] += 1
            pair = Pair.start(place, partial(_made, target, environment, fault))
            time.sleep(moment_s)
            try:
                killed = pair.kill(4 * BOUND_S)
            except TimedOut:
                tale.goes_wrong(f"{number} {fault['fault']}: left in the ledger")
                continue
            tale.healed_s.append(killed.healed_s)
            tale.open_entries[killed.left] += 1
            try:
                wait_until(lambda: state(hands.objects) == before and not marks(hands.objects), BOUND_S)
            except TimedOut:
                tale.goes_wrong(f"{number} {fault['fault']}: not as before")
            if killed.code:
                tale.goes_wrong(f"{number} {fault['fault']}: the watchdog ended with {killed.code}")
            print(
                f"  {number:3} {fault['fault']:<16} {killed.left} open, healed in {killed.healed_s:.2f} s",
                flush=True,
            )
    access.close()
    return tale


def _made(target: Target, environment: Environment, told: dict[str, Any], _: Hands) -> Fault:
    return made(TypeAdapter(AnyFault).validate_python(told), Surroundings(target, environment, Side.GREEN))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
