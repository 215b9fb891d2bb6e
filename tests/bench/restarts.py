"""Kills a run with SIGKILL at random moments, and its API server with it, which comes back: what is left?

python -m tests.bench.restarts --kills 20 --seed 7: a piece of it. No pods run; what is harmed is edited and made.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from fixtures.clock import TimedOut
from fixtures.platforms.kubernetes import Kubernetes
from scenarios.faults.healing import Healer, left_behind, marks
from scenarios.faults.place import Place
from tests.bench.ending import in_order
from tests.bench.figures import Figure, report
from tests.cluster import servers
from tests.faults.killing import Killed, Pair
from tests.faults.runner import Cut
from tests.faults.test_kills import LONGEST_S, prepared, state

KILLS = 50
BOUND_S = 5.0  # beside the time that nobody answers
WATCHED_S = 20.0
STARTS = 4  # of a server that does not come up in time


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.restarts", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10_000)
    chosen = parser.parse_args(arguments)
    print(f"  --kills {chosen.kills} --seed {chosen.seed}", flush=True)
    drawn = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder, Restarting(Path(folder)) as bench:
        for number in range(chosen.kills):
            bench.kill(number, drawn.uniform(0.05, LONGEST_S))
        found = [one for one in bench.told if one.left]
        healed_s = max((one.healed_s for one in bench.told), default=float("inf"))
        return report(
            [
                Figure(
                    "restarts: of killed runs, with something to heal", len(found), chosen.kills / 4, "", True
                ),
                Figure("restarts: of all, not exactly as before", bench.wrong, 0, ""),
                Figure("restarts: longest until all was as before", healed_s - bench.away_s, BOUND_S, "s"),
            ]
        )


class Restarting:
    """An API server that is ended and begun anew at every kill."""

    def __init__(self, folder: Path) -> None:
        self._layout = servers.new_home(folder / "home")
        self._place = Place(str(folder / "ledger"), str(self._layout.kubeconfig), None)
        self._server = ExitStack()
        self.told: list[Killed] = []
        self.wrong, self.away_s = 0, 0.0  # the shortest that nobody answered
        self._was_away_s = 0.0  # the last time

    def __enter__(self) -> Restarting:
        self._begin()
        self._platform = Kubernetes(self._layout.kubeconfig)
        self._namespace = prepared(self._platform, "restarts")
        self._before = state(self._platform, self._namespace)
        return self

    def __exit__(self, *_: object) -> None:
        self._platform.close()
        self._server.close()

    def kill(self, number: int, moment_s: float) -> None:
        pair = Pair.start(self._place, lambda hands: Cut(hands.objects, self._namespace))
        time.sleep(moment_s)
        try:
            killed = pair.kill(WATCHED_S, self._again, self._is_as_before)
        except TimedOut:
            killed = None
        if killed is None or killed.code or killed.ended is not None:
            self.wrong += 1
            away = f"the server was away for {self._was_away_s:.1f} s"
            print(f"  WRONG: {number}, after {moment_s:.2f} s: {killed or self._left()}; {away}", flush=True)
            self._as_the_next_start_does()
        if killed is not None:
            self.told.append(killed)

    def _begin(self) -> None:
        """On a machine that is busy with other things it may take more than one start."""
        for left in reversed(range(STARTS)):
            try:
                self._server.enter_context(servers.running(self._layout, [servers.own_part(self._layout)]))
            except TimedOut:
                if not left:
                    raise
            else:
                return

    def _again(self) -> None:
        begun = time.monotonic()
        self._server.close()
        self._begin()
        self._was_away_s = time.monotonic() - begun
        self.away_s = min(self.away_s or self._was_away_s, self._was_away_s)

    def _as_the_next_start_does(self) -> None:
        """What is killed after it is not to be blamed for what it left."""
        with self._place.opened() as hands:
            for one in Healer(hands, self._place.ledger).heal_all(
                left_behind(hands.objects, self._place.ledger)
            ):
                print(f"    the next start: {one.text}", flush=True)

    def _left(self) -> str:
        entries = ", ".join(f"{one.act['act']} of {one.runner.pid}" for one in self._place.ledger.entries())
        marked = ", ".join(str(one.act["ref"]["kind"]) for one in marks(self._platform))
        return f"in the ledger: {entries or 'nothing'}; marked: {marked or 'nothing'}"

    def _is_as_before(self) -> bool:
        return not marks(self._platform) and state(self._platform, self._namespace) == self._before


if __name__ == "__main__":
    in_order()
    sys.exit(main(sys.argv[1:]))
