"""What a timeline says, against a reading of the same record that is too simple to be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.release.probes import (
    COLUMNS,
    FORMAT,
    NOBODY,
    UNSEEN,
    Connections,
    Outcome,
    Plan,
    Record,
    Served,
    Writer,
    read,
)
from scenarios.release.timeline import Interval, Timeline

BEGAN_US = 1_700_000_000_000_000
STEP_US = 20_000
SERVERS = (NOBODY, Served("blue", "v1", "b"), Served("green", "v2", "g"), Served("green", "v2", "h"))


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """In the order in which they were due, every one there."""
    made = []
    for number in range(draw(st.integers(0, 60))):
        outcome = draw(st.sampled_from([Outcome.OK] * 6 + list(Outcome)))
        is_answered = outcome in (Outcome.OK, Outcome.STATUS)
        status = {Outcome.OK: 200, Outcome.STATUS: 503}.get(outcome, 0)
        made.append(
            Record(
                due_us=BEGAN_US + number * STEP_US,
                late_us=draw(st.sampled_from([0, 100, 40_000])),
                latency_us=draw(st.integers(0, 100_000)),
                status=status,
                served=draw(st.integers(0, 3)) if is_answered else 0,
                outcome=outcome,
                fresh=number % 2 == 0,
            )
        )
    return made


def timeline(made: list[Record]) -> Timeline:
    probes = np.frombuffer(b"".join(FORMAT.pack(*one) for one in made), COLUMNS)
    return Timeline(probes, SERVERS, STEP_US / 1e6, BEGAN_US / 1e6)


def at_s(number: int) -> float:
    return (BEGAN_US + number * STEP_US) / 1e6


def seen(made: list[Record]) -> list[Record]:
    return [one for one in made if one.outcome not in UNSEEN]


def answered_s(one: Record) -> float:
    return (one.due_us + one.latency_us) / 1e6


def stretches(made: list[Record], is_bad: Callable[[Record], bool]) -> list[Interval]:
    """One by one: a stretch begins with a bad one, and ends where the next good one was due."""
    found, begun = [], None
    for one in made:
        if is_bad(one) and begun is None:
            begun = one.due_us
        elif not is_bad(one) and begun is not None:
            found.append(Interval(begun / 1e6, one.due_us / 1e6))
            begun = None
    if begun is not None:
        found.append(Interval(begun / 1e6, made[-1].due_us / 1e6 + STEP_US / 1e6))
    return found


@given(records())
def test_downtime_is_from_the_first_that_failed_to_the_first_that_did_not(made: list[Record]) -> None:
    expected = stretches(seen(made), lambda one: one.outcome != Outcome.OK)
    found = timeline(made)
    assert found.downtime() == expected
    assert found.longest_downtime_s == max((one.length_s for one in expected), default=0)
    assert found.total_downtime_s == pytest.approx(sum(one.length_s for one in expected))


@given(records())
def test_what_the_prober_itself_missed_is_blind_and_not_down(made: list[Record]) -> None:
    found = timeline(made)
    assert found.blind(0.02) == stretches(made, lambda one: one.outcome in UNSEEN or one.late_us > 20_000)
    assert found.count == len(seen(made))


@given(records())
def test_the_error_share_is_of_those_that_say_something(made: list[Record]) -> None:
    said, found = seen(made), timeline(made)
    failed = [one for one in said if one.outcome != Outcome.OK]
    assert found.failed == len(failed)
    assert found.error_share == (len(failed) / len(said) if said else None)
    assert found.last_failure_s == max(map(answered_s, failed), default=None)
    assert sum(found.outcomes().values()) == len(made)


@given(records(), st.sampled_from(["green", "blue", "nobody"]))
def test_a_side_has_left_when_its_last_answer_came(made: list[Record], side: str) -> None:
    moments = [answered_s(one) for one in made if one.status and SERVERS[one.served].side == side]
    assert timeline(made).left_s(side) == max(moments, default=None)
    assert timeline(made).arrived_s(side) == min(moments, default=None)


@given(records(), st.integers(0, 60), st.integers(0, 60))
def test_shares_in_a_window_are_of_the_answers_due_in_it(made: list[Record], first: int, last: int) -> None:
    inside = [
        SERVERS[one.served].side for number, one in enumerate(made) if one.status and first <= number < last
    ]
    shares = timeline(made).between(at_s(first), at_s(last)).shares()
    assert shares == pytest.approx({side: inside.count(side) / len(inside) for side in set(inside)})


@given(records(), st.booleans())
def test_kept_connections_can_be_told_from_fresh_ones(made: list[Record], fresh: bool) -> None:
    assert len(timeline(made).on(fresh=fresh).probes) == sum(one.fresh == fresh for one in made)


@given(records(), st.integers(-5, 65), st.integers(0, 20))
def test_recovery_lasts_and_is_the_first_that_does(made: list[Record], after: int, steps: int) -> None:
    """Half a step is added to both, so that no moment lies exactly on a probe's."""
    lasting_s, after_s = (steps + 0.5) * STEP_US / 1e6, at_s(after) - STEP_US / 2e6

    def lasts(first: Record) -> bool:
        until_us = first.due_us + lasting_s * 1e6
        window = [one for one in seen(made) if first.due_us <= one.due_us < until_us]
        return made[-1].due_us + STEP_US >= until_us and all(one.outcome == Outcome.OK for one in window)

    candidates = [one for one in seen(made) if one.due_us / 1e6 >= after_s]
    expected = next((one.due_us / 1e6 for one in candidates if lasts(one)), None)
    assert timeline(made).recovered_s(after_s, lasting_s) == expected


@given(records(), st.data())
def test_a_live_record_is_whole_until_the_first_probe_that_is_not_answered_yet(
    made: list[Record], data: st.DataObject
) -> None:
    answered = [one for one in made if data.draw(st.booleans())]
    missing = [number for number, one in enumerate(made) if one not in answered]
    known = next(iter(missing), len(made))
    assert timeline(answered).whole_until_s == pytest.approx(at_s(known), abs=1e-6)


@given(records())
def test_asking_twice_and_asking_of_everything_gives_the_same(made: list[Record]) -> None:
    found = timeline(made)
    everything = found.between(0, 1e12)
    assert everything.downtime() == found.downtime()
    assert everything.shares() == found.shares()


# --- the record --------------------------------------------------------------------------------------------------
@given(made=records(), cut=st.integers(0, FORMAT.size - 1))
def test_a_record_is_read_back_in_order_up_to_its_last_whole_one(
    tmp_path_factory: pytest.TempPathFactory, made: list[Record], cut: int
) -> None:
    path = tmp_path_factory.mktemp("record") / "probes.bin"
    plan = Plan("https://127.0.0.1/", connections=Connections.KEPT, headers={"canary": "true"})
    writer = Writer(path, plan, BEGAN_US, "run")
    numbers = [writer.number(server) for server in SERVERS]
    for one in reversed(made):  # answers come in any order
        writer.write(one)
    writer.close()
    with path.open("ab") as record:
        record.write(b"x" * cut)
    found = read(path)
    assert numbers == [0, 1, 2, 3]
    assert found.plan == plan
    assert found.servers == SERVERS
    assert [Record(*one) for one in found.probes.tolist()] == made


def test_a_record_is_never_written_over(tmp_path: Path) -> None:
    Writer(tmp_path / "probes.bin", Plan("http://x"), 0, "first").close()
    with pytest.raises(FileExistsError):
        Writer(tmp_path / "probes.bin", Plan("http://x"), 0, "second")
