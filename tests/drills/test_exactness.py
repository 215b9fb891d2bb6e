"""RTO and RPO against the server's own truth: within one interval between probes and one between writes."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.drills.record import DrillRecord
from scenarios.drills.disasters import DirectoryDeleted, Disaster, ProcessKilled
from scenarios.drills.ground import Ground, Ledger
from scenarios.release.timeline import LASTING_S
from tests.drills.product import StandGround
from tests.drills.test_drills import RESTORE, Scene, figure, scene

__all__ = ["scene"]  # the fixture
pytestmark = [pytest.mark.long, pytest.mark.alone]
PROBE_S, WRITE_S = 0.05, 0.1
READY = "database system is ready to accept connections"
LOGGED = len("2026-01-01 00:00:00.000 UTC")
OURS = "SELECT project, extract(epoch FROM at)::float FROM records WHERE project LIKE 'drill %'"


class AfterAnArchive(DirectoryDeleted):
    """Some of what was written is in the archive, and some of it not yet."""

    def __init__(self, scene: Scene) -> None:
        self._stand = scene.stand

    def strike(self, ground: Ground, ledger: Ledger) -> None:
        self._stand.switch()
        time.sleep(1)
        super().strike(ground, ledger)


def held(scene: Scene, disaster: Disaster, *steps: str) -> tuple[DrillRecord, float, float]:
    """The record, its onset, and when the server took connections again, in unix seconds."""
    scene.stand.sql("ALTER TABLE records ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp()")
    scene.stand.backups.take("with its times")
    record = replace(scene, stage=replace(scene.stage, lasting_s=LASTING_S)).hold(disaster, *steps)
    onset_s = next(one.at_s for one in record.moments if one.what == "the disaster strikes")
    return record, onset_s, ready_s(StandGround(scene.stand).data().with_suffix(".log"))


def ready_s(log: Path) -> float:
    """When the server last said that it takes connections."""
    said = next(line for line in reversed(log.read_text().splitlines()) if line.endswith(READY))
    return datetime.strptime(said[:LOGGED], "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC).timestamp()


def test_the_rto_of_a_killed_server_is_its_own(scene: Scene) -> None:
    record, onset_s, back_s = held(scene, ProcessKilled(), "connect", "verify")
    rto_s = figure(record, "rto").value
    assert rto_s is not None
    assert abs(rto_s - (back_s - onset_s)) <= PROBE_S + WRITE_S
    assert figure(record, "rpo").value == 0


def test_rto_and_rpo_of_a_deleted_database_are_its_own(scene: Scene) -> None:
    """What was committed stands in the folder that was moved aside, with the time of each."""
    record, onset_s, back_s = held(scene, AfterAnArchive(scene), *RESTORE)
    rto_s, rpo_s = figure(record, "rto").value, figure(record, "rpo").value
    assert rto_s is not None
    assert rpo_s is not None
    assert abs(rto_s - (back_s - onset_s)) <= PROBE_S + WRITE_S
    stand = scene.stand
    aside = stand.data.with_name(f"{stand.data.name}-aside-1")
    with StandGround(stand).beside(aside, archives=False) as server, server.connect() as link:
        were = {str(name): float(str(at_s)) for name, at_s in link.execute(OURS).fetchall()}
    there = {str(name) for name, _ in stand.sql(OURS)}
    gone = {name: at_s for name, at_s in were.items() if name not in there}
    assert gone.keys() < were.keys()  # some of it was in the archive
    assert abs(rpo_s - (max(onset_s, *gone.values()) - min(gone.values()))) <= WRITE_S
    named = {line.partition(" ")[0] for line in record.losses}
    assert named <= {name.removeprefix("drill ") for name in gone}
    assert len(gone) - len(named) <= 2  # committed, and not heard of any more
