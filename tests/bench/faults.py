"""Kills a run with SIGKILL at random moments while it puts faults of every kind into a lab under load: what is left?

python -m tests.bench.faults --kills 20 --seed 7: a piece of it. The seed says which kinds come when, and the moments.
--trouble heal: the heal's first three calls fail. --trouble disk: the run's disk is full from some moment on.
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
from itertools import islice
from typing import Any, Literal

import psycopg
import redis
from pydantic import TypeAdapter

from fixtures.clock import TimedOut, wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from fixtures.target import Side, Target
from fixtures.target.faults import AnyFault
from scenarios.faults.acts import Hands
from scenarios.faults.catalogue import made
from scenarios.faults.crowd import Crowd
from scenarios.faults.healing import marks
from scenarios.faults.place import Place
from scenarios.faults.site import Fault
from scenarios.surroundings import Surroundings
from tests.bench.ending import in_order
from tests.bench.figures import Figure, report
from tests.faults.killing import NONE, Killed, Pair, Trouble
from tests.faults.test_lab import FAULTS, state
from tests.faults.test_stores import HOLDERS, SETTINGS, asked

NAME = "bench-faults"
KILLS = 200
BOUND_S = 5.0
LONGEST_S = 2.5  # after which a run is killed at the latest; a fault is in within a second or two
LOAD_RPS = 10.0
WELL_S = 60.0
WATCHED_S = 20.0  # how long is waited for what is to be healed within BOUND_S
QUEUE, JOB = next((one["queue"], one["job"]) for one in FAULTS if one["fault"] == "queue-flooded")

Told = dict[str, Any]
Sort = Literal["none", "heal", "disk"]


@dataclass
class Tale:
    kinds: Counter[str] = field(default_factory=Counter)  # what was being put in
    killed: list[Killed] = field(default_factory=list)  # all was as before after these
    wrong: list[str] = field(default_factory=list)

    def goes_wrong(self, what: str) -> None:
        """Said at once: whoever ends the bench early has seen it."""
        self.wrong.append(what)
        print(f"  WRONG: {what}", flush=True)

    @property
    def tried(self) -> int:
        return sum(self.kinds.values())


def moments(seed: int) -> Iterator[tuple[Told, float]]:
    """What is put in, and how long after that its run is killed. Every kind comes before one comes again."""
    drawn, waiting = random.Random(seed), list[Told]()
    while True:
        if not waiting:
            waiting = drawn.sample(FAULTS, len(FAULTS))
        yield waiting.pop(), drawn.uniform(0.05, LONGEST_S)


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10_000)
    parser.add_argument("--trouble", choices=("none", "heal", "disk"), default="none")
    chosen = parser.parse_args(arguments)
    print(f"  --kills {chosen.kills} --seed {chosen.seed} --trouble {chosen.trouble}", flush=True)
    name = f"{NAME}-{chosen.seed}"  # pieces of it may run beside each other
    lab = Lab.start("hwayo", name, progress=lambda line: print(f"  {line}", flush=True))
    try:
        with tempfile.TemporaryDirectory() as folder, Bench(lab, folder, chosen.trouble) as bench:
            drawn = islice(moments(chosen.seed), 2 * chosen.kills)
            while bench.tale.tried < chosen.kills and (one := next(drawn, None)):
                bench.kill(*one)
            bench.users_must_be_there()
    finally:
        lab.stop()
    return _figures(bench.tale, chosen.kills)


def _figures(tale: Tale, kills: int) -> int:
    left = Counter(one.left for one in tale.killed)
    alone = [one for one in tale.killed if one.ended is not None]
    print(f"  entries that were open at the end: {dict(sorted(left.items()))}", flush=True)
    print(f"  runs that had ended by themselves before: {len(alone)}", flush=True)
    print(f"  kinds: {dict(sorted(tale.kinds.items()))}", flush=True)
    found = sum(bool(one.left) or one.ended is not None for one in tale.killed)
    return report(
        [
            Figure("faults: runs ended at a random moment", tale.tried, kills, "", at_least=True),
            Figure("faults: of them with something to heal, or told", found, kills / 4, "", at_least=True),
            Figure("faults: of all, not exactly as before", len(tale.wrong), 0, ""),
            Figure("faults: longest until all was as before", _longest_s(tale), BOUND_S, "s"),
        ]
    )


def _longest_s(tale: Tale) -> float:
    return max((one.healed_s for one in tale.killed), default=float("inf"))


class Bench:
    """A lab with users on the side that is harmed, and what it was like before anybody was."""

    def __init__(self, lab: Lab, folder: str, trouble: Sort) -> None:
        self._target = Target.load("hwayo")
        self._environment = self._target.environment("lab").with_facts(lab.facts)
        self._place = replace(Place.of("hwayo", self._environment), folder=folder)
        self._access, self._trouble = Access(lab.facts), trouble
        self._open = ExitStack()
        self.tale = Tale()

    def __enter__(self) -> Bench:
        self._open.callback(self._access.close)
        around = Surroundings(self._target, self._environment, Side.GREEN)
        self._open.callback(around.close)
        self._crowd = self._open.enter_context(Crowd(around))
        self._crowd.come(LOAD_RPS)
        self._hands = self._open.enter_context(self._place.opened())
        wait_until(lambda: is_well(self._access), WELL_S)
        self._before = self._state()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def kill(self, fault: Told, moment_s: float) -> None:
        """One run, and what it left. `moment_s`: after which it is killed."""
        kind, tale = fault["fault"], self.tale
        number = tale.tried
        pair = Pair.start(self._place, partial(self._made, fault), self._goes_wrong(moment_s))
        time.sleep(moment_s)
        try:
            killed = pair.kill(WATCHED_S, is_as_before=self._is_as_before)
        except TimedOut:
            left = self._left() or "not as before"
            tale.kinds[kind] += 1
            tale.goes_wrong(f"{number} {kind}, killed after {moment_s:.2f} s: {left}")
            return
        if killed.code:
            tale.goes_wrong(f"{number} {kind}: the watchdog ended with {killed.code}")
        if killed.ended is not None and self._trouble != "disk":
            print(
                f"      {kind}: nobody killed the run, it had ended with {killed.ended}: not counted",
                flush=True,
            )
            return
        if killed.ended == 0:
            tale.goes_wrong(f"{number} {kind}: its disk was full, and the run ended as if nothing were")
        tale.kinds[kind] += 1
        tale.killed.append(killed)
        said = f"{killed.left} open, as before after {killed.healed_s:.2f} s"
        try:
            well_s = wait_until(lambda: is_well(self._access), WELL_S)
            print(f"  {number:3} {kind:<20} {said}, all pods well {well_s:.1f} s later", flush=True)
        except TimedOut:
            tale.goes_wrong(f"{number} {kind}: pods are not well {WELL_S:.0f} s after it was healed")

    def users_must_be_there(self) -> None:
        """Otherwise it was not under load."""
        self._crowd.must_be_there()

    def _goes_wrong(self, moment_s: float) -> Trouble:
        match self._trouble:
            case "heal":
                return Trouble(unheard=3)
            case "disk":
                return Trouble(disk_full_s=0.8 * moment_s)  # when most have something in
            case "none":
                return NONE

    def _made(self, fault: Told, _: Hands) -> Fault:
        around = Surroundings(self._target, self._environment, Side.GREEN)
        return made(TypeAdapter(AnyFault).validate_python(fault), around)

    def _left(self) -> str:
        return ", ".join(f"{one.fault} is in the ledger" for one in self._place.ledger.entries())

    def _is_as_before(self) -> bool:
        return not marks(self._hands.objects) and self._state() == self._before

    def _state(self) -> Any:
        """All that faults touch: the cluster's objects, the databases' settings, who holds tables, whose jobs wait."""
        stores = self._place.stores
        owner = stores["database_owner"][Side.GREEN]
        try:
            with redis.Redis.from_url(stores["cache"][Side.GREEN], socket_timeout=3) as cache:
                jobs = cache.lpos(QUEUE, JOB)
            return state(self._hands.objects), asked(owner, SETTINGS), asked(owner, HOLDERS), jobs
        except (psycopg.Error, redis.RedisError) as error:
            return str(error)


if __name__ == "__main__":
    in_order()
    sys.exit(main(sys.argv[1:]))
