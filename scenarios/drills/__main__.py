"""python -m scenarios.drills [heal]

When each drill was last held, and which are overdue: `--due` ends with 1 when any is. `heal` ends what a run that was
killed had begun, so that users are served again. Its exit codes: 0 nothing is left, 1 something is, 3 nobody answers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from fixtures.evidence import NoEvidence
from fixtures.session.joining import joined
from fixtures.target import Side, Target
from reports.drills.history import RECORDS, Standing, Wanted, records, standings
from reports.drills.record import BrokenRecord
from scenarios.drills.alone import alone_on, healed
from scenarios.surroundings import Surroundings


def main(arguments: list[str] | None = None, now_s: float | None = None) -> int:
    """Exit codes: 0 nothing is overdue, or nobody asked; 1 with --due, something is; 2 the history cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m scenarios.drills", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["standing", "heal"], default="standing")
    parser.add_argument("--target", default="hwayo")
    parser.add_argument("--env", default="lab")
    parser.add_argument("--lab", default=os.environ.get("VERDIGRIS_LAB", "default"), help="the lab's name")
    parser.add_argument("--records", type=Path, default=RECORDS, metavar="DIR")
    parser.add_argument("--due", action="store_true", help="end with 1 when a drill is overdue")
    told = parser.parse_args(arguments)
    target = Target.load(told.target)
    if told.command == "heal":
        return heal(target, told.env, told.lab)
    wanted = [
        Wanted(name, one.title, one.every.seconds)
        for name, one in target.drills.items()
        if one.every is not None
    ]
    try:
        found = standings(wanted, records(told.records), target.system, told.env)
    except BrokenRecord as error:
        print(error, file=sys.stderr)
        return 2
    now_s = time.time() if now_s is None else now_s
    for one in found:
        print(_line(one, now_s))
    if not found:
        print(f"{target.system} has no drill that is to be held regularly")
    return 1 if told.due and (not found or any(one.overdue_s(now_s) for one in found)) else 0


def heal(target: Target, environment: str, lab: str) -> int:
    """On both sides: whoever was killed may have been on either. Each, whatever becomes of the other."""
    done: list[str] = []
    failed: list[str] = []
    try:
        joint = joined(target.environment(environment), lab)
        for side in Side:
            with closing(Surroundings(target, joint, side)) as around:
                try:
                    with alone_on(around, lab) as scene:
                        done += healed(scene)
                except NoEvidence:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it was, it is not healed
                    failed.append(f"NOT HEALED: {type(error).__name__}: {error}")
    except NoEvidence as error:
        print(*failed, *done, error, sep="\n", file=sys.stderr)
        return 3
    print("\n".join(dict.fromkeys([*failed, *done])) or "no drill was left")
    return 1 if failed else 0


def _line(standing: Standing, now_s: float) -> str:
    last = standing.last
    held = "never held" if last is None else f"last held {_day(last.began_s)}: {last.verdict}"
    if standing.passed_s is None:
        due = "OVERDUE: it has never passed"
    elif overdue_s := standing.overdue_s(now_s):
        due = f"OVERDUE by {overdue_s / 86400:.1f} d"
    else:
        due = f"due {_day(standing.due_s)}"
    return f"{standing.wanted.name:24} {held:34} {due}"


def _day(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}"


if __name__ == "__main__":
    sys.exit(main())
