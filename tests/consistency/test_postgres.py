"""Hundreds of bookings at once on a real PostgreSQL: with the constraint nobody shares a slot, whatever is broken;
without it the checker says so."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from scenarios.consistency.checker import Wrong, check, measured
from scenarios.consistency.clients import Patience, book_all, wishes
from scenarios.consistency.history import Attempt, Outcome, Row
from scenarios.consistency.postgres import Table, cut, rows
from tests.drills.conftest import filled as filled
from tests.drills.conftest import place as place
from tests.drills.database import Stand

# Between the insert and its commit some time passes, as on a disk: there most connections are cut.
TABLE = (
    "CREATE TABLE bookings (key text PRIMARY KEY, staff int NOT NULL, during int4range NOT NULL)",
    "CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN PERFORM pg_sleep(0.005); RETURN NULL; END'",
    # Rivals who wait for each other are undone after this long: by default 1 s, and again whenever they meet again.
    "ALTER ROLE postgres SET deadlock_timeout = '20ms'",
    "CREATE TRIGGER slow AFTER INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION pause()",
)
# What btree_gist would do for `staff`, which the wheel does not have: a range of one has `=` of GiST's own.
CONSTRAINT = (
    "ALTER TABLE bookings ADD CONSTRAINT no_overlap_bookings "
    "EXCLUDE USING gist (int4range(staff, staff, '[]') WITH =, during WITH &&)"
)
NUMBER, CLIENTS, RIVALS = 600, 12, 8


@pytest.fixture
def bookings(place: Stand) -> Stand:
    place.sql(*TABLE, CONSTRAINT)
    return place


def run(place: Stand, *, seed: int = 1, number: int = NUMBER) -> tuple[list[Attempt], list[Row]]:
    url = place.login.url()
    wanted = wishes(random.Random(seed), number, rivals=RIVALS)
    history = book_all(wanted, partial(Table, url), CLIENTS, Patience(gives_up_s=30, pause_s=0.02))
    return history.attempts, rows(url)


@contextmanager
def harassed(harm: Callable[[], int], every_s: float) -> Iterator[list[int]]:
    """The harm done again and again in the background until the block ends: what each time came of it."""
    over, done = threading.Event(), list[int]()

    def nemesis() -> None:
        while not over.wait(every_s):
            done.append(harm())

    thread = threading.Thread(target=nemesis, daemon=True)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join(60)
        assert not thread.is_alive(), "the nemesis did not end within 60 s"


def test_of_those_who_want_one_slot_exactly_one_gets_it(bookings: Stand) -> None:
    attempts, there = run(bookings)
    found = check(attempts, there)
    assert found.violations == ()
    assert set(found.outcomes) == {Outcome.BOOKED, Outcome.TAKEN}
    assert found.outcomes[Outcome.BOOKED] == len(there)
    assert found.rivals > 100
    measurement = measured(found, faults=0)
    assert (measurement.value, measurement.samples, measurement.invalid) == (0, NUMBER, "")


def test_connections_that_are_cut_in_the_middle_lose_and_double_nothing(bookings: Stand) -> None:
    with harassed(partial(cut, bookings.login.url()), every_s=0.01) as done:
        attempts, there = run(bookings, seed=2)
    found = check(attempts, there)
    assert found.violations == ()
    assert sum(done) > 0
    assert measured(found, faults=sum(done)).invalid == ""
    assert found.outcomes[Outcome.BOOKED] > 0


def test_a_server_that_is_killed_and_comes_back_keeps_what_it_acknowledged(bookings: Stand) -> None:
    """Killed as when the power goes, twice; it recovers from its log alone."""

    def harm() -> int:
        bookings.server.kill(bookings.data)
        bookings.server.start(bookings.data)
        return 1

    with harassed(harm, every_s=0.4) as done:
        attempts, there = run(bookings, seed=3, number=2 * NUMBER)
    found = check(attempts, there)
    assert found.violations == ()
    assert len(done) >= 1
    assert measured(found, faults=len(done)).invalid == ""


def test_without_the_constraint_slots_are_sold_twice_and_it_is_seen(place: Stand) -> None:
    """The application looks first, and that is not enough: two look at the same moment."""
    place.sql(*TABLE)
    attempts, there = run(place, seed=4)
    found = check(attempts, there)
    assert Wrong.SHARED in {one.wrong for one in found.violations}
    assert measured(found, faults=0).value == len(found.violations) > 0


def test_what_is_deleted_behind_the_clients_backs_is_missed(bookings: Stand) -> None:
    attempts, _ = run(bookings, seed=7, number=120)
    gone = next(one.key for one in attempts if one.outcome is Outcome.BOOKED)
    bookings.sql(f"DELETE FROM bookings WHERE key = '{gone}'")
    found = check(attempts, rows(bookings.login.url()))
    assert (Wrong.LOST, (gone,)) in {(one.wrong, one.keys) for one in found.violations}
