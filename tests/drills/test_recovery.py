"""RTO is from the onset until users read and write for good; what nobody noticed is no drill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.drills.drill import Held, Stage
from scenarios.drills.journal import Outcome, Write
from scenarios.drills.recovery import Recovery, measure, writes_back
from scenarios.drills.truth import Cut, Kept, compare
from scenarios.release.probes import Outcome as Read
from scenarios.release.probes import Plan, Record, Writer
from scenarios.release.timeline import Timeline

ONSET_S = 1_700_000_010.0


def writes(*, failing: tuple[float, float] | None, until: float = 40.0) -> list[Write]:
    """Ten a second from 10 s before the onset; those sent in `failing`, in seconds from the onset, get no answer."""
    made = []
    for number in range(int((until + 10) * 10)):
        at_s = number / 10 - 10
        fails = failing is not None and failing[0] <= at_s < failing[1]
        outcome, answered = (Outcome.UNSURE, 2.0) if fails else (Outcome.ACKNOWLEDGED, 0.02)
        made.append(
            Write(
                f"w{number}",
                "p",
                ONSET_S + at_s,
                outcome,
                ONSET_S + at_s + answered,
                None if fails else number,
            )
        )
    return made


def reads(
    tmp_path: Path, *, failing: tuple[float, float] | None, until: float = 40.0, late_s: float = 0.0
) -> Timeline:
    began_us = round((ONSET_S - 10) * 1e6)
    writer = Writer(tmp_path / "reads.bin", Plan("http://x", rate_rps=20), began_us, "run")
    for number in range(int((until + 10) * 20)):
        at_s = number / 20 - 10
        fails = failing is not None and failing[0] <= at_s < failing[1]
        outcome = Read.STATUS if fails else Read.OK
        late_us = round(late_s * 1e6) if 0 <= at_s < 20 else 0
        writer.write(
            Record(began_us + number * 50_000, late_us, 10_000, 503 if fails else 200, 0, outcome, False)
        )
    writer.close()
    return Timeline.read(tmp_path / "reads.bin")


def recovered(found: list[Write], timeline: Timeline) -> Recovery:
    kept = [
        Kept(one.key, one.print, number)
        for number, one in enumerate(found)
        if one.outcome is Outcome.ACKNOWLEDGED
    ]
    return measure(compare(found, kept, Cut(ONSET_S, ONSET_S + 3)), timeline, found)


def test_rto_is_the_later_of_reading_and_writing(tmp_path: Path) -> None:
    measured = recovered(writes(failing=(0.0, 8.0)), reads(tmp_path, failing=(0.1, 5.0)))
    assert measured.reads_s == pytest.approx(5.0, abs=0.051)
    assert measured.writes_s == pytest.approx(8.0, abs=0.101)
    assert measured.rto_s == measured.writes_s
    assert measured.rto().value == measured.rto_s


def test_a_product_that_comes_back_and_falls_again_is_back_only_after_that(tmp_path: Path) -> None:
    found = writes(failing=(0.0, 2.0))
    relapse = [
        replace(one, outcome=Outcome.UNSURE) if 20 <= one.sent_s - ONSET_S < 21 else one for one in found
    ]
    measured = recovered(relapse, reads(tmp_path, failing=(0.0, 2.0)))
    assert measured.rto_s == pytest.approx(21.0, abs=0.11)


@pytest.mark.parametrize(
    ("reading", "writing"), [((0.0, 99.0), (0.0, 2.0)), ((0.0, 2.0), (0.0, 99.0)), ((0, 37), (0, 2))]
)
def test_what_did_not_come_back_for_good_has_no_rto(
    tmp_path: Path, reading: tuple[float, float], writing: tuple[float, float]
) -> None:
    measured = recovered(writes(failing=writing), reads(tmp_path, failing=reading))
    assert measured.rto_s is None
    assert measured.rto().value is None
    assert "had not come back" in measured.rto().why


def test_what_nobody_noticed_was_no_disaster(tmp_path: Path) -> None:
    measured = recovered(writes(failing=None), reads(tmp_path, failing=None))
    assert not measured.is_felt
    assert "nobody noticed" in measured.rto().invalid
    assert "nobody noticed" in measured.rpo().invalid
    assert "nobody noticed" in measured.integrity().invalid


def test_a_prober_that_was_held_up_saw_too_little(tmp_path: Path) -> None:
    measured = recovered(writes(failing=(0.0, 12.0)), reads(tmp_path, failing=(0.0, 10.0), late_s=2.0))
    assert measured.blind_s == pytest.approx(10.0, abs=0.2)
    assert "held up" in measured.rto().invalid


def test_data_that_could_not_be_read_are_no_data_without_loss(tmp_path: Path) -> None:
    measured = replace(recovered(writes(failing=(0, 2)), reads(tmp_path, failing=(0, 2))), unread="503")
    assert (measured.rpo().value, measured.integrity().value) == (None, None)
    assert measured.integrity().samples == 0


def test_a_write_that_was_under_way_at_the_onset_counts() -> None:
    under_way = Write("w", "p", ONSET_S - 1, Outcome.UNSURE, ONSET_S + 2)
    later = [Write(f"l{n}", "p", ONSET_S + n, Outcome.ACKNOWLEDGED, ONSET_S + n + 0.1, n) for n in range(10)]
    assert writes_back([under_way, *later], ONSET_S) == 0
    assert writes_back([under_way], ONSET_S) is None
    relapse = [*later[:2], replace(later[2], outcome=Outcome.UNSURE), *later[3:]]
    assert writes_back(relapse, ONSET_S) == pytest.approx(3)


@pytest.mark.parametrize(
    ("waits", "said"),
    [((39.5, 41.0), "users have read and written"), ((2.2, 2.4), "users could not read and write")],
    ids=["the newest", "an older one"],
)
def test_what_is_still_under_way_is_no_failure_and_hides_none(
    tmp_path: Path, waits: tuple[float, float], said: str
) -> None:
    """A product that takes longer than it is between two writes is never seen without one."""
    live = [
        replace(one, outcome=Outcome.UNSURE, answered_s=None)
        if waits[0] <= one.sent_s - ONSET_S < waits[1]
        else one
        for one in writes(failing=(0.0, 2.0))
    ]
    writer: Any = SimpleNamespace(writes=lambda: live)
    seen = reads(tmp_path, failing=(0.0, 2.0))
    probing: Any = SimpleNamespace(timeline=lambda: seen)
    nobody = cast(Any, None)
    stage = Stage(nobody, tmp_path, nobody, "small", "here", back_s=0.0, lasting_s=0.5)
    held = Held(nobody, nobody, stage, writer, probing, onset_s=ONSET_S)
    held.see_them_back()
    assert said in held.moments[-1].what
