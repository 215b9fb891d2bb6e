"""How fast a large database is restored and verified, and whether a drill that is killed loses anything.

python -m tests.bench.drills --kills 10 --seed 7: a piece of the latter alone. The seed says the moments.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from fixtures.platforms.postgres.backups import Recovery
from scenarios.drills.comeback import Comeback, inventories
from scenarios.drills.ground import Ledger, Note
from scenarios.drills.journal import Clock
from tests.bench.ending import in_order
from tests.bench.figures import Figure, report
from tests.drills.database import Stand, stand, template
from tests.drills.product import StandGround
from tests.drills.test_killed import LASTS_S, Ending, ended_by_the_next

ROWS = 1_000_000
KILLS = 50
AGAIN = 10
WRONG = "WRONG"


def main(times: int = KILLS, seed: int = 0) -> int:
    figures = []
    with template() as filled:
        with stand(filled) as place:
            figures.append(Figure(f"drills: {ROWS:,} rows restored and verified", restore(place), 60, "s"))
        if times:
            wrong = kills(filled, times, random.Random(seed))
            figures.append(
                Figure(f"drills: kills at random moments that cost a write, of {times}", wrong, 0, "")
            )
    return report(figures)


def piece(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drills", description=__doc__)
    parser.add_argument("--kills", type=int, required=True, help="0: the restore alone")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args(arguments)
    if not told.kills:
        return main(0)
    with template() as filled:
        wrong = kills(filled, told.kills, random.Random(told.seed))
    return report([Figure(f"drills: kills that cost a write, of {told.kills}", wrong, 0, "")])


def restore(place: Stand) -> float:
    """Seconds from the decision to restore until clients are served: the backup read in full, laid out, proven."""
    place.sql(
        f"INSERT INTO records (project) SELECT 'project ' || md5(n::text) FROM generate_series(1, {ROWS}) AS n",
        "INSERT INTO audit (record) SELECT id FROM records",
    )
    place.backups.take("base")
    place.sql(
        f"UPDATE records SET project = 'later' WHERE id <= {ROWS // 10}"
    )  # for the log to have something in it
    ground = StandGround(place)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "note.json")
        ledger.open(Note("bench", str(place.data)))
        how = Recovery(salvage=place.data / "pg_wal")
        way = Comeback(ground, ledger, inventories(ground), how, Clock())
        ground.kill()
        begun = time.monotonic()
        for step in (way.choose, way.restore, way.connect, way.verify):
            said = step()
            print(f"  {time.monotonic() - begun:5.1f} s: {said}", flush=True)
        took_s = time.monotonic() - begun
    ((count, later),) = place.sql("SELECT count(*), count(*) FILTER (WHERE project = 'later') FROM records")
    assert (count, later) == (ROWS, ROWS // 10)
    return took_s


def kills(filled: Path, times: int, chance: random.Random) -> int:
    """How many of them were not ended well. A drill that had ended before its moment came, or to
    which nothing was owed, is no kill: another is."""
    wrong = 0
    for number in range(times):
        disaster = [*LASTS_S][number % len(LASTS_S)]
        for _ in range(AGAIN):
            begun, wait_s = time.monotonic(), chance.uniform(0, LASTS_S[disaster])
            ending = one_kill(filled, disaster, wait_s)
            took_s = time.monotonic() - begun
            print(
                f"  kill {number}, {disaster}, after {wait_s:.2f} s: {ending.said} [{took_s:.0f} s]",
                flush=True,
            )
            wrong += ending.said.startswith(WRONG)
            if ending.hit:
                break
        else:
            raise RuntimeError(f"{AGAIN} drills in a row showed nothing")
    return wrong


def one_kill(filled: Path, disaster: str, wait_s: float) -> Ending:
    with stand(filled) as place, tempfile.TemporaryDirectory() as folder:
        try:
            return ended_by_the_next(place, Path(folder), disaster, wait_s)
        except Exception as error:  # noqa: BLE001 - whatever it was, users may not be served
            return Ending(hit=True, said=f"{WRONG}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    in_order()
    sys.exit(piece(sys.argv[1:]))
