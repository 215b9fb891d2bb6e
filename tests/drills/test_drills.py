"""Disasters on a real database, with users writing and reading all along: what comes back, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.target.drills import Drill
from reports.drills.history import keep
from reports.drills.record import DrillRecord, Judged, read
from reports.verdicts import Verdict
from scenarios.drills.disasters import DirectoryDeleted, Disaster, PageCorrupted, ProcessKilled
from scenarios.drills.drill import Stage, hold
from scenarios.drills.ground import Ledger, Note
from scenarios.drills.practice import NotBegun, OfDatabase
from scenarios.drills.runbook import Nobody
from tests.drills.database import Stand
from tests.drills.product import Api, SmallProduct, StandGround

RESTORE = ("choose", "restore", "connect", "verify")
LASTING_S = 1.0  # in earnest it is longer, and nothing happens meanwhile


def drill(*steps: str, rto: str = "1m", rpo: str = "15m") -> Drill:
    told = [{"name": name, "title": name} for name in steps]
    return Drill.model_validate(
        {"title": "演練", "steps": told, "rto": rto, "rpo": rpo, "source": "§6.3"}, strict=False
    )


@dataclass
class Scene:
    """A product in use, on a database with a backup."""

    stand: Stand
    stage: Stage
    ground: StandGround
    ledger: Ledger

    def hold(self, disaster: Disaster, *steps: str, rpo: str = "15m") -> DrillRecord:
        practice = OfDatabase(self.ground, disaster, self.ledger, self.stage.clock)
        record = hold(drill(*steps, rpo=rpo), practice, self.stage)
        assert read(keep(record, self.stage.folder / "records")) == record
        return record


@pytest.fixture
def scene(place: Stand, tmp_path: Path) -> Iterator[Scene]:
    place.backups.take("base")
    api = Api(place.login.host, place.login)
    stage = Stage(SmallProduct(api.url), tmp_path / "drill", Nobody(), "small", "here", lasting_s=LASTING_S)
    yield Scene(place, stage, StandGround(place), Ledger(tmp_path / "note.json"))
    api.stop()


def figure(record: DrillRecord, name: str) -> Judged:
    return next(one for one in record.figures if one.name == name)


def verdicts(record: DrillRecord) -> dict[str, str]:
    figures = {one.name: str(one.verdict) for one in record.figures}
    return {one.name: str(one.verdict) for one in record.steps} | figures


def test_a_killed_server_comes_back_with_every_acknowledged_write(scene: Scene) -> None:
    record = scene.hold(ProcessKilled(), "connect", "verify", rpo="1s")
    assert record.verdict is Verdict.PASS, record.follow_ups
    assert record.losses == ()
    assert figure(record, "rpo").value == 0
    rto_s = figure(record, "rto").value
    assert rto_s is not None
    assert 0 < rto_s < 30
    assert scene.ledger.note() is None
    with pytest.raises(FileExistsError):
        keep(record, scene.stage.folder / "records")


def test_a_deleted_data_folder_costs_what_was_not_archived_and_no_more(scene: Scene) -> None:
    record = scene.hold(DirectoryDeleted(), *RESTORE)
    assert verdicts(record) == dict.fromkeys((*RESTORE, "disaster", "integrity", "rto", "rpo"), "PASS"), (
        record.follow_ups
    )
    rpo_s = figure(record, "rpo").value
    assert rpo_s is not None
    assert rpo_s > 0  # nothing was archived since the backup: all of it is gone, and is said to be
    assert len(record.losses) >= 10
    assert "kept, for not all is proven to be back" in record.evidence["data"]


def test_a_loss_beyond_the_objective_fails_the_drill(scene: Scene) -> None:
    record = scene.hold(DirectoryDeleted(), *RESTORE, rpo="10ms")
    assert figure(record, "rpo").verdict is Verdict.FAIL
    assert record.verdict is Verdict.FAIL


def test_a_corrupted_page_is_restored_and_nothing_is_lost(scene: Scene) -> None:
    record = scene.hold(PageCorrupted("postgres", "records"), *RESTORE, rpo="1s")
    assert record.verdict is Verdict.PASS, record.follow_ups
    assert "invalid page" in figure(record, "disaster").reason
    assert record.losses == ()


def test_where_the_newest_backup_is_corrupt_the_one_before_serves(scene: Scene) -> None:
    newest = scene.stand.backups.data(scene.stand.backups.take("newest"))
    control = newest / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)
    record = scene.hold(PageCorrupted("postgres", "records"), *RESTORE, rpo="1s")
    assert record.verdict is Verdict.PASS, record.follow_ups
    assert "base, " in record.steps[0].said
    assert "newest is corrupt: global/pg_control is not what was backed up" in record.steps[0].said


def test_a_gap_in_the_archive_is_told_with_what_it_cost(scene: Scene) -> None:
    class WithGap(DirectoryDeleted):
        def strike(self, ground: object, ledger: Ledger) -> None:
            lost = scene.stand.switch()
            wait_until(lambda: scene.stand.sql("SELECT 1"), 5)
            scene.stand.insert("later")
            scene.stand.switch()
            (scene.stand.log / lost).unlink()
            super().strike(scene.ground, ledger)

    record = scene.hold(WithGap(), *RESTORE)
    said = next(one.said for one in record.steps if one.name == "restore")
    assert "the archive lacks" in said
    assert "is lost" in said
    assert len(record.losses) >= 10


@pytest.mark.long
def test_a_drill_that_is_cut_short_says_where_the_original_lies(scene: Scene) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    told = replace(scene, stage=replace(scene.stage, others={"interrupted": interrupted}))
    record = told.hold(DirectoryDeleted(), "choose", "restore", "connect", "interrupted")
    assert record.cut_short == "KeyboardInterrupt"
    assert scene.ledger.note() is None  # users are served
    assert record.evidence["data"].endswith("postgres-aside-1")
    assert Path(f"{scene.stand.data}-aside-1").is_dir()


def test_a_drill_without_a_sound_backup_is_not_begun(scene: Scene) -> None:
    for one in scene.stand.backups.backups():
        (scene.stand.backups.data(one) / "PG_VERSION").unlink()
    with pytest.raises(NotBegun, match=r"no sound backup; base is corrupt: PG_VERSION"):
        scene.hold(DirectoryDeleted(), *RESTORE)
    assert scene.stand.server.is_running(scene.stand.data)
    assert scene.ledger.note() is None


def test_a_drill_is_not_begun_on_what_an_earlier_one_left(scene: Scene) -> None:
    scene.ledger.open(Note("earlier", str(scene.stand.data)))
    with pytest.raises(NotBegun, match="earlier drill was not ended"):
        scene.hold(ProcessKilled(), "connect")
