"""A migration is rolled back by its authors' own statement, which is tried before anything depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from reports.verdicts import Verdict
from scenarios.drills.drill import hold
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.practice import NotBegun
from scenarios.drills.schemas import Migration, OfSchema
from tests.drills.database import Stand
from tests.drills.product import StandGround
from tests.drills.test_drills import Scene, drill, scene

__all__ = ["scene"]  # the fixture
APPLY, UNDO = (
    "ALTER TABLE records RENAME COLUMN project TO scheme",
    "ALTER TABLE records RENAME COLUMN scheme TO project",
)


def practice(stand: Stand, folder: Path, apply: str = APPLY, undo: str = UNDO) -> OfSchema:
    return OfSchema(StandGround(stand), Migration("postgres", apply, undo), folder / "schema.json", Clock())


@pytest.fixture
def whole(shared: Stand) -> Iterator[Stand]:
    yield shared
    assert shared.sql("SELECT project FROM records") == []


@pytest.mark.long
def test_a_migration_that_breaks_the_product_is_rolled_back_and_costs_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    found = practice(scene.stand, tmp_path)
    record = hold(drill("roll_back", "verify", rpo="1s"), found, scene.stage)
    assert record.verdict is Verdict.PASS, record.follow_ups
    assert record.losses == ()
    assert "scheme text" in next(one.reason for one in record.figures if one.name == "disaster")
    assert not found.file.exists()


@pytest.mark.parametrize(
    ("apply", "undo", "says"),
    [
        (APPLY, "ALTER TABLE records RENAME COLUMN scheme TO projekt", "what is to roll it back does not"),
        ("SELECT 1", "SELECT 1", "the migration changes nothing"),
    ],
)
def test_a_way_back_that_does_not_lead_back_keeps_the_drill_from_beginning(
    whole: Stand, tmp_path: Path, apply: str, undo: str, says: str
) -> None:
    found = practice(whole, tmp_path, apply, undo)
    with pytest.raises(NotBegun, match=says):
        found.fit()
    assert found.heal() == ""


def test_what_a_killed_drill_committed_is_rolled_back_and_nothing_else(whole: Stand, tmp_path: Path) -> None:
    killed = practice(whole, tmp_path)
    killed.fit()
    killed.strike("x")
    assert practice(whole, tmp_path).heal() == "the migration was rolled back"
    assert practice(whole, tmp_path).heal() == ""
    killed.fit()
    killed.strike("x")
    killed.roll_back()  # and then it was killed
    assert practice(whole, tmp_path).heal() == "no migration was in"
    put_down(killed.file, asdict(Migration("postgres", APPLY, UNDO)))  # killed before it was carried out
    assert practice(whole, tmp_path).heal() == "no migration was in"
