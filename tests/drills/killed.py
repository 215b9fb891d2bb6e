"""python -m tests.drills.killed: holds a drill on somebody else's server, once told to; to be killed at any moment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scenarios.drills.disasters import DirectoryDeleted, Disaster, ProcessKilled, TableDropped
from scenarios.drills.drill import Stage, hold
from scenarios.drills.ground import Ledger
from scenarios.drills.practice import OfDatabase
from scenarios.drills.runbook import Nobody
from tests.drills.database import Stand
from tests.drills.product import SmallProduct, StandGround
from tests.drills.test_drills import LASTING_S, RESTORE, drill

DISASTERS: dict[str, Disaster] = {
    "killed": ProcessKilled(),
    "deleted": DirectoryDeleted(),
    "dropped": TableDropped("postgres", "records"),
}


def main() -> None:
    told = json.loads(sys.argv[1])
    stand = Stand(Path(told["home"]), told["host"])
    folder = Path(told["folder"])
    product = SmallProduct(told["url"])
    stage = Stage(product, folder / "drill", Nobody(), "small", "here", lasting_s=LASTING_S)
    disaster = DISASTERS[told["disaster"]]
    practice = OfDatabase(StandGround(stand), disaster, Ledger(folder / "note.json"), stage.clock)
    steps = ("connect", "verify") if told["disaster"] == "killed" else RESTORE
    sys.stdin.readline()
    hold(drill(*steps), practice, stage)


if __name__ == "__main__":
    main()
