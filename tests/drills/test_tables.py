"""A dropped table comes back alone: with its rights and whatever referred to it, and nothing of others' is rewound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fixtures.platforms.postgres.backups import BaseBackups, Recovery
from fixtures.platforms.postgres.programs import ProgramFailed, Programs
from reports.verdicts import Verdict
from scenarios.drills.disasters import TableDropped
from scenarios.drills.tables import copied
from tests.drills.product import StandGround
from tests.drills.test_drills import RESTORE, Scene, figure, scene

__all__ = ["scene"]  # the fixture
DROPPED = TableDropped("postgres", "records")


def test_what_others_wrote_since_it_was_dropped_stays(scene: Scene) -> None:
    stand, record_of = scene.stand, "INSERT INTO audit (record) SELECT id FROM records LIMIT 1"
    stand.sql(
        "CREATE TABLE orders (name text)",
        "CREATE VIEW projects AS SELECT project FROM records",
        "GRANT SELECT ON projects TO app",
    )

    def meanwhile() -> str:
        stand.sql("INSERT INTO orders VALUES ('after the drop')")
        return "somebody else wrote"

    told = replace(scene, stage=replace(scene.stage, others={"meanwhile": meanwhile}))
    record = told.hold(DROPPED, "choose", "meanwhile", *RESTORE[1:], rpo="1s")
    assert record.verdict is Verdict.PASS, record.follow_ups
    assert record.losses == ()
    assert figure(record, "rpo").value == 0
    assert stand.sql("SELECT name FROM orders") == [("after the drop",)]
    assert stand.sql("SELECT count(*) > 0 FROM projects") == [(True,)]
    assert stand.sql(record_of, "SELECT count(*) FROM audit") == [(1,)]
    assert stand.server.is_running(stand.data)  # it never left its place
    assert not list(stand.home.glob("postgres-restored*[0-9]"))
    assert not (stand.log / "00000002.history").exists()


class Careless(Programs):
    """Copies the table, and none of its rows."""

    def run(self, program: str, *arguments: str, **told: Any) -> str:
        lost = ("--exclude-table-data=records",) if program == "pg_dump" else ()
        return super().run(program, *lost, *arguments, **told)


def test_rows_that_are_not_what_they_were_do_not_come_back_at_all(scene: Scene) -> None:
    stand, ground = scene.stand, StandGround(scene.stand)
    into = stand.data.with_name("postgres-restored-1")
    stand.insert("one")
    stand.backups.restore(stand.backups.backups()[0], into, Recovery(salvage=stand.data / "pg_wal"))
    with ground.beside(into, archives=False) as server:
        stand.sql("DROP TABLE records CASCADE")
        careless = Careless(stand.programs.folder, stand.programs.uid)
        stand.backups = BaseBackups(careless, stand.login, stand.backups.folder, stand.log)
        with pytest.raises(ProgramFailed, match=r"the table has 0 rows with the sum 0, and had 1 rows"):
            copied(ground, server, "postgres records", into)
    assert stand.sql("SELECT to_regclass('records')") == [(None,)]
