"""A drill that is killed at any moment leaves a note, by which the next one ends it with nothing lost needlessly."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.platforms.postgres import inventory
from scenarios.drills.ground import Ledger
from scenarios.drills.healing import heal
from scenarios.drills.journal import Outcome, read
from scenarios.drills.truth import Cut, compare
from tests.drills.database import Stand
from tests.drills.product import Api, SmallProduct, StandGround

ROOT = Path(__file__).resolve().parents[2]
ENDS_S = 120.0


def killed_after(stand: Stand, url: str, folder: Path, disaster: str, wait_s: float) -> None:
    """Hold a drill in a process of its own, and kill that so long after its writer began."""
    told = {
        "home": str(stand.home),
        "host": stand.login.host,
        "folder": str(folder),
        "url": url,
        "disaster": disaster,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drills.killed", json.dumps(told)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "begins"
        deadline = time.monotonic() + ENDS_S
        while not (folder / "note.json").exists():  # from here on it may have done harm
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(wait_s)
        child.kill()


def ended_by_the_next(place: Stand, folder: Path, disaster: str, wait_s: float) -> None:
    """Killed so long after it may have done harm. Fails where anything is not as it was, or gone that need not be."""
    place.backups.take("base")
    with place.server.connect() as link:
        was = inventory.take(link)
    api = Api(place.login.host, place.login)
    try:
        killed_after(place, api.url, folder, disaster, wait_s)
        ground, ledger = StandGround(place), Ledger(folder / "note.json")
        done = heal(ground, ledger)
        assert heal(ground, ledger) == ""
        kept = SmallProduct(api.url).kept()
        with ground.connect("postgres") as link:
            assert inventory.differences(was, inventory.take(link)) == [], (wait_s, done)
    finally:
        api.stop()
    writes = read(folder / "drill" / "writes.jsonl")
    end_s = max(one.sent_s for one in writes)
    truth = compare(writes, kept, Cut(end_s, end_s))
    # An original that is whole is always preferred: only data that were "deleted" and restored may lack their end.
    assert truth.offences == () or disaster == "deleted", (wait_s, done, truth.offences)
    if disaster != "deleted":
        assert truth.lost == (), (wait_s, done)
    assert any(one.outcome is Outcome.ACKNOWLEDGED for one in writes)


@pytest.mark.parametrize("disaster", ["killed", "deleted", "dropped"])
def test_a_drill_that_was_killed_is_ended_by_whoever_comes_next(
    place: Stand, tmp_path: Path, disaster: str
) -> None:
    ended_by_the_next(place, tmp_path, disaster, random.uniform(0, 6))
