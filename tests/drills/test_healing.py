"""What ends a drill that was killed: something serves whatever fails, and nothing is in the way of a later restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.platforms.backups import NotRestored
from fixtures.platforms.postgres import archive
from fixtures.platforms.postgres.backups import Recovery
from fixtures.platforms.postgres.server import Server
from scenarios.drills import doors
from scenarios.drills.disasters import DirectoryDeleted, PageCorrupted
from scenarios.drills.ground import Ledger, Note
from scenarios.drills.healing import heal
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
