"""What ends a drill that was killed: something serves whatever fails, and nothing is in the way of a later restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures.evidence import Missing
from fixtures.platforms.backups import NotRestored
from fixtures.platforms.postgres import archive
from fixtures.platforms.postgres.backups import Recovery
from fixtures.platforms.postgres.server import Server
from fixtures.target import Target
from fixtures.target.drills import Drill
from scenarios.drills import doors
from scenarios.drills.alone import NotHealed
from scenarios.drills.alone import healed as all_healed
from scenarios.drills.disasters import DirectoryDeleted, PageCorrupted
from scenarios.drills.ground import Ledger, Note
from scenarios.drills.healing import heal
from scenarios.drills.journal import Clock
from scenarios.drills.practice import Practice
from scenarios.drills.practices import Scene
from tests.drills.database import Stand
from tests.drills.product import StandGround


@pytest.fixture
def ledger(place: Stand, tmp_path: Path) -> Ledger:
    place.backups.take("base")
    found = Ledger(tmp_path / "note.json")
    found.open(Note("x", str(place.data)))
    return found


class Failing(StandGround):
    """What is restored does not come up."""

    @contextmanager
    def beside(self, data: Path, *, archives: bool = True) -> Iterator[Server]:
        with super().beside(data, archives=archives):
            raise NotRestored("it does not come up")
        yield


def test_a_heal_that_cannot_restore_serves_what_there_is_and_keeps_its_note(
    place: Stand, ledger: Ledger
) -> None:
    """Of a page that is harmed nothing is lost by serving the others."""
    PageCorrupted("postgres", "records").strike(StandGround(place), ledger)
    with pytest.raises(NotRestored, match="does not come up"):
        heal(Failing(place), ledger)
    assert StandGround(place).data() == place.data
    assert place.server.is_running(place.data)
    assert ledger.note() is not None
    assert "restored from base" in heal(StandGround(place), ledger)
    assert ledger.note() is None


def test_a_restore_that_nobody_is_served_from_leads_no_later_one_astray(place: Stand, ledger: Ledger) -> None:
    """Its history is the newest in the archive, and recovery follows the newest."""
    ground, into = StandGround(place), place.data.with_name("postgres-restored-1")
    place.insert("before")
    place.backups.restore(place.backups.backups()[0], into, Recovery(salvage=place.data / "pg_wal"))
    ledger.update(restored=str(into))
    with ground.beside(into) as server, server.connect() as link:
        link.execute("INSERT INTO records (project) VALUES ('elsewhere')")
    assert archive.timeline(into, place.programs) == 2
    assert (place.log / "00000002.history").exists()
    assert "the original serves" in heal(ground, ledger)
    assert not into.exists()
    assert not list(place.log.glob("00000002*"))
    assert (place.log / "abandoned-00000002" / "00000002.history").exists()
    place.insert("later")
    place.switch()
    ledger.open(Note("x", str(place.data)))
    DirectoryDeleted().strike(ground, ledger)
    place.backups.restore(place.backups.backups()[0], into)
    ground.serve(into)
    assert place.names() == ["before", "later"]


def test_a_database_that_was_shut_lets_its_users_in_again(place: Stand, ledger: Ledger) -> None:
    ground = StandGround(place)
    with ground.connect("postgres") as link:
        were = doors.limits(link, ["postgres"])
        ledger.update(limits=were)
        doors.shut(link, ["postgres"])
        assert (were, doors.limits(link, ["postgres"])) == ({"postgres": -1}, {"postgres": 0})
    heal(ground, ledger)
    with ground.connect("postgres") as link:
        assert doors.limits(link, ["postgres"]) == were


def test_what_lies_about_after_a_heal_is_said(place: Stand, ledger: Ledger) -> None:
    ground, into = StandGround(place), place.data.with_name("postgres-restored-1")
    DirectoryDeleted().strike(ground, ledger)
    place.backups.restore(place.backups.backups()[0], into)
    ledger.update(restored=str(into))
    ground.serve(into)
    assert (
        heal(ground, ledger)
        == f"the restored data serve; what was served before lies in {place.data}-aside-1"
    )


@dataclass(frozen=True)
class Begun(Scene):
    """Where a drill was begun and its heal says so, or raises what it ends in; of any other nothing was."""

    ends: dict[str, str | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def practice(self, drill: Drill) -> Practice:
        if drill.name not in self.ends:
            raise Missing("nobody keeps it here")

        def heal() -> str:
            self.asked.append(drill.name)
            end = self.ends[drill.name]
            if isinstance(end, Exception):
                raise end
            return end

        return cast(Practice, SimpleNamespace(heal=heal))


def begun(folder: Path, ends: dict[str, str | Exception]) -> Begun:
    around: Any = SimpleNamespace(target=Target.load("hwayo"))
    return Begun(around, cast(Any, None), folder / "note.json", Clock(), ends=ends)


def test_where_all_was_lost_at_once_its_parts_are_ended_first_and_in_their_order(tmp_path: Path) -> None:
    scene = begun(tmp_path, {"cache_lost": "", "version_broken": "as it was", "disaster": "the door is open"})
    assert all_healed(scene) == ["災難恢復: the door is open", "部署最後已知穩定版本: as it was"]
    assert scene.asked == ["disaster", "cache_lost", "version_broken"]


def test_what_cannot_be_ended_keeps_nobody_else_waiting_and_is_named(tmp_path: Path) -> None:
    ends: dict[str, str | Exception] = {
        "cache_lost": NotRestored("it does not start"),
        "version_broken": "as it was",
    }
    scene = begun(tmp_path, ends)
    with pytest.raises(NotHealed) as told:
        all_healed(scene)
    assert str(told.value) == "快取遺失: NotRestored: it does not start; 部署最後已知穩定版本: as it was"
    assert scene.asked == ["cache_lost", "version_broken"]
