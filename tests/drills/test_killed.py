"""A drill that is killed at any moment leaves a note, by which the next one ends it with nothing lost needlessly."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from fixtures.clock import TimedOut
from fixtures.platforms.postgres import inventory
from scenarios.drills.ground import Ledger
from scenarios.drills.healing import heal
from scenarios.drills.journal import Outcome, Write, read
from scenarios.drills.truth import Cut, Kept, Truth, compare
from tests.drills.database import Stand
from tests.drills.product import Api, SmallProduct, StandGround

ROOT = Path(__file__).resolve().parents[2]
ENDS_S = 120.0
ARCHIVED_EVERY_S = 0.5


def killed_after(stand: Stand, told: dict[str, str], wait_s: float) -> tuple[float, float]:
    """Hold a drill in a process of its own, and kill that so long after its note was there: from then on it may have
    done harm. Up to when what was written is known to be in the archive, and when the note was seen (or last was not
    there, of a drill that was faster); unix seconds."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drills.killed", json.dumps(told)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "begins"
        deadline, archived_s, without_s = time.monotonic() + ENDS_S, 0.0, time.time()
        while not (Path(told["folder"]) / "note.json").exists():
            if child.poll() is not None:  # its note came and went while the archive was waited for
                assert child.returncode == 0
                return archived_s, without_s
            assert time.monotonic() < deadline
            without_s = time.time()
            if time.time() - archived_s > ARCHIVED_EVERY_S:
                archived_s = archived(stand) or archived_s
            time.sleep(0.005)
        noted_s = time.time()
        time.sleep(wait_s)
        child.kill()
    return archived_s, noted_s


def archived(stand: Stand) -> float:
    """All of before then is; 0 where the disaster was faster."""
    begun_s = time.time()
    with suppress(psycopg.Error, TimedOut):
        stand.switch()
        return begun_s
    return 0.0


def ended_by_the_next(place: Stand, folder: Path, disaster: str, wait_s: float) -> str:
    """What whoever comes next did, where a drill was killed so long after it may have done harm. Fails where anything
    is not as it was, or a write is gone that the disaster itself did not take."""
    place.backups.take("base")
    with place.server.connect() as link:
        was = inventory.take(link)
    api = Api(place.login.host, place.login)
    told = {"home": str(place.home), "host": place.login.host, "folder": str(folder)}
    try:
        archived_s, noted_s = killed_after(place, {**told, "url": api.url, "disaster": disaster}, wait_s)
        ground, ledger = StandGround(place), Ledger(folder / "note.json")
        done = heal(ground, ledger)
        assert heal(ground, ledger) == ""
        kept = SmallProduct(api.url).kept()
        with ground.connect("postgres") as link:
            assert inventory.differences(was, inventory.take(link)) == [], (wait_s, done)
    finally:
        api.stop()
    assert_nothing_lies_about(place, done)
    writes = read(folder / "drill" / "writes.jsonl")
    assert any(one.outcome is Outcome.ACKNOWLEDGED for one in writes)
    truth = compare(writes, kept, Cut(noted_s, resumed_s(writes, noted_s)))
    is_restored = disaster == "deleted" and ground.data() != place.data
    assert_nothing_is_gone(truth, archived_s if is_restored else float("inf"), f"{wait_s:.2f} s: {done}")
    return f"{done or 'it had ended by itself'}; {len(truth.lost)} of {len(truth.acknowledged)} lost"


def resumed_s(writes: list[Write], noted_s: float) -> float:
    """When the first write was sent that was acknowledged after one had failed; inf where none was."""
    failed = [
        one.sent_s for one in writes if one.outcome is not Outcome.ACKNOWLEDGED and one.sent_s >= noted_s
    ]
    since_s = min(failed, default=float("inf"))
    later = (one.sent_s for one in writes if one.outcome is Outcome.ACKNOWLEDGED and one.sent_s > since_s)
    return min(later, default=float("inf"))


def assert_nothing_is_gone(truth: Truth, until_s: float, when: str) -> None:
    """Of what was acknowledged until then; nothing at all is altered, doubled, invented or a hole."""
    assert truth.offences == (), when
    gone = [one.key for one in truth.lost if one.answered_s is not None and one.answered_s < until_s]
    assert gone == [], when


def assert_nothing_lies_about(place: Stand, done: str) -> None:
    """No server runs but the one that serves, and other folders of data are named; a drill that ended names its own."""
    serves = StandGround(place).data()
    lying = [one for one in place.home.glob("postgres*") if one.is_dir() and one != serves]
    assert not any(place.server.is_running(one) for one in lying)
    assert [one for one in lying if done and str(one) not in done] == []


@pytest.mark.parametrize("disaster", ["killed", "deleted", "dropped"])
def test_a_drill_that_was_killed_is_ended_by_whoever_comes_next(
    place: Stand, tmp_path: Path, disaster: str
) -> None:
    assert ended_by_the_next(place, tmp_path, disaster, random.uniform(0, 8))


@pytest.mark.parametrize(
    ("number", "until_s", "is_well"), [(5, 100.0, True), (5, 107.0, False), (2, 100.0, False)]
)
def test_a_write_that_the_disaster_did_not_take_is_missed(number: int, until_s: float, is_well: bool) -> None:
    """Ten writes, a second apart; those from that number on are gone, or a later one is there all the same."""
    writes = [Write(f"{n}", "p", 100.0 + n, Outcome.ACKNOWLEDGED, 100.5 + n, n) for n in range(10)]
    there = [Kept(one.key, "p", one.id or 0) for one in writes[:number]]
    if number == 2:
        there.append(Kept("9", "p", 9))
    truth = compare(writes, there, Cut(110.0, float("inf")))
    if is_well:
        assert_nothing_is_gone(truth, until_s, "")
        return
    with pytest.raises(AssertionError):
        assert_nothing_is_gone(truth, until_s, "")
