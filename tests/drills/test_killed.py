"""A drill that is killed at any moment leaves a note, by which the next one ends it with nothing lost needlessly."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.postgres import inventory
from fixtures.platforms.postgres.archive import SWITCHED
from scenarios.drills.ground import Ledger
from scenarios.drills.healing import heal
from scenarios.drills.journal import Outcome, Write, read
from scenarios.drills.truth import Cut, Kept, Truth, compare
from tests.drills.database import Stand
from tests.drills.product import Api, SmallProduct, StandGround

ROOT = Path(__file__).resolve().parents[2]
ENDS_S = 120.0
ARCHIVED_EVERY_S = 0.3
ARCHIVES_S = 15.0
LASTS_S = {"killed": 2.0, "deleted": 5.0, "dropped": 4.0}  # a drill, from its note to its end


@dataclass(frozen=True)
class Blow:
    """`archived_s`: what was written until then is known to be in the archive; `noted_s`: when its note was seen (or
    last was not there, of a drill that was faster), in unix seconds; `hit`: it had not ended before."""

    archived_s: float
    noted_s: float
    hit: bool


@dataclass(frozen=True)
class Ending:
    """`hit`: the drill was killed, had not ended before, and some of what was written had to be there again; `said`:
    what was done, and what was lost."""

    hit: bool
    said: str


@contextmanager
def ready(told: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Holds a drill when a line is written to it."""
    command = [sys.executable, "-m", "tests.drills.killed", json.dumps(told)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def killed_after(child: subprocess.Popen[str], stand: Stand, note: Path, wait_s: float) -> Blow:
    """Have it hold its drill, and kill it so long after its note was there: from then on it may have done harm."""
    assert child.stdin is not None
    child.stdin.write("now\n")
    child.stdin.flush()
    deadline, without_s = time.monotonic() + ENDS_S, time.time()
    with archived_all_along(stand) as archived:
        while not note.exists() and child.poll() is None:
            assert time.monotonic() < deadline
            without_s = time.time()
            time.sleep(0.005)
        noted_s = time.time() if note.exists() else without_s
        known = list(archived)
    with suppress(subprocess.TimeoutExpired):
        assert child.wait(wait_s) == 0
    child.kill()
    return Blow(known[-1], noted_s, hit=child.wait() != 0)


@contextmanager
def archived_all_along(stand: Stand) -> Iterator[list[float]]:
    """Moments: what was written before each is known to be in the archive."""
    over, moments = threading.Event(), [0.0]

    def there_or_over(segment: Path) -> bool:
        return over.is_set() or segment.exists()

    def go_on() -> None:
        while not over.wait(ARCHIVED_EVERY_S):
            begun_s = time.time()
            with suppress(psycopg.Error, TimedOut):
                ((name,),) = stand.sql(SWITCHED)
                wait_until(partial(there_or_over, stand.log / str(name)), ARCHIVES_S, poll_s=0.02)
                if not over.is_set():
                    moments.append(begun_s)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield moments
    finally:
        over.set()
        thread.join(ENDS_S)


def ended_by_the_next(place: Stand, folder: Path, disaster: str, wait_s: float) -> Ending:
    """What whoever comes next did, where a drill was killed so long after it may have done harm. Fails where anything
    is not as it was, a write is gone that the disaster itself did not take, or users cannot write again."""
    api, note = Api(place.login.host, place.login), folder / "note.json"
    told = {"home": str(place.home), "host": place.login.host, "folder": str(folder)}
    ground, ledger = StandGround(place), Ledger(note)
    try:
        with ready({**told, "url": api.url, "disaster": disaster}) as child:
            place.backups.take("base")  # while it loads
            with place.server.connect() as link:
                was = inventory.take(link)
            blow = killed_after(child, place, note, wait_s)
        done = heal(ground, ledger)
        assert heal(ground, ledger) == ""
        kept = SmallProduct(api.url).kept()
        given = written(api.url)
        with ground.connect("postgres") as link:
            assert inventory.differences(was, inventory.take(link)) == [], (wait_s, done)
    finally:
        api.stop()
    assert_nothing_lies_about(place, done)
    writes = read(folder / "drill" / "writes.jsonl")
    truth = compare(writes, kept, Cut(blow.noted_s, resumed_s(writes, blow.noted_s)))
    assert given > max(one.id or 0 for one in truth.acknowledged)  # also of those that are lost
    is_restored = disaster == "deleted" and ground.data() != place.data
    until_s = blow.archived_s if is_restored else float("inf")
    assert_nothing_is_gone(truth, until_s, f"{wait_s:.2f} s: {done}")
    owed = sum((one.answered_s or 0.0) < until_s for one in truth.acknowledged)
    counted = f"{len(truth.lost)} of {len(truth.acknowledged)} lost, {owed} had to be there"
    return Ending(blow.hit and owed > 0, f"{done or 'it had ended by itself'}; {counted}")


def written(url: str) -> int:
    """The id of what one who comes afterwards writes."""
    done = httpx.post(f"{url}/records", json={"project": "afterwards"}, trust_env=False, timeout=10)
    return int(done.raise_for_status().json()[0]["id"])


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
    assert ended_by_the_next(place, tmp_path, disaster, random.uniform(0, LASTS_S[disaster])).said


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
