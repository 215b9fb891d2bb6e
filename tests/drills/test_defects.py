"""A way back that is not what it seems: each defect is caught, and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.platforms.postgres.backups import BaseBackups, Recovery
from fixtures.platforms.postgres.server import Server
from reports.drills.record import DrillRecord
from reports.release.record import Notification
from reports.verdicts import Evidence, Measurement, Verdict
from scenarios.drills.disasters import PageCorrupted, ProcessKilled
from scenarios.drills.people import NotHeard, opened, told
from tests.drills.product import StandGround
from tests.drills.test_drills import RESTORE, Scene, scene

__all__ = ["scene"]  # the fixture


class Spoilt(StandGround):
    """Whatever is restored comes out otherwise: before it is proven, or after."""

    before: Sequence[str] = ()
    after: Sequence[str] = ()

    @contextmanager
    def beside(self, data: Path, *, archives: bool = True) -> Iterator[Server]:
        with super().beside(data, archives=archives) as server:
            with server.connect() as link:
                for statement in self.before:
                    link.execute(statement.encode())
            yield server

    def serve(self, data: Path) -> None:
        super().serve(data)
        if data.name.startswith("postgres-restored"):
            self.stand.sql(*self.after)


def held(scene: Scene, ground: StandGround) -> DrillRecord:
    impatient = replace(scene.stage, back_s=2.0)  # what has failed does not come back
    return replace(scene, ground=ground, stage=impatient).hold(
        PageCorrupted("postgres", "records"), *RESTORE, rpo="1s"
    )


def spoilt(scene: Scene, before: Sequence[str] = (), after: Sequence[str] = ()) -> Spoilt:
    ground = Spoilt(scene.stand)
    ground.before, ground.after = before, after
    return ground


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DROP TABLE audit", "table public.audit is missing"),
        ("REVOKE SELECT ON audit FROM app", "right public.audit to app: SELECT is missing"),
    ],
    ids=["a table is missing", "a right is missing"],
)
def test_what_a_restore_lacks_fails_it_before_any_client_sees_it(
    scene: Scene, statement: str, says: str
) -> None:
    record = held(scene, spoilt(scene, before=[statement]))
    restore = next(one for one in record.steps if one.name == "restore")
    assert restore.verdict is Verdict.FAIL
    assert says in restore.said
    assert record.steps[-1].said == "not carried out: restore had failed"
    assert record.verdict is Verdict.FAIL
    assert scene.ledger.note() is not None  # somebody has to end it


def test_a_sequence_that_begins_again_is_caught_by_name(scene: Scene) -> None:
    record = held(scene, spoilt(scene, after=["ALTER SEQUENCE records_id_seq RESTART"]))
    connect = next(one for one in record.steps if one.name == "connect")
    assert "sequence public.records_id_seq gives" in connect.said
    assert record.verdict is Verdict.FAIL


def test_ids_that_begin_anew_after_a_crash_are_caught_before_they_have_caught_up(scene: Scene) -> None:
    scene.stand.sql("ALTER SEQUENCE records_id_seq SET UNLOGGED")
    impatient = replace(scene, stage=replace(scene.stage, back_s=2.0))
    record = impatient.hold(ProcessKilled(), "connect", rpo="1s")
    assert "sequence public.records_id_seq gives" in record.steps[0].said
    assert record.verdict is Verdict.FAIL


def test_an_older_snapshot_is_no_way_back_where_the_archive_goes_on(scene: Scene) -> None:
    class WithoutItsLog(BaseBackups):
        """Stops as soon as the backup itself is consistent."""

        def _recovery(self, how: Recovery) -> list[str]:
            return [*super()._recovery(how), "recovery_target = 'immediate'"]

    stand = scene.stand
    stand.backups = WithoutItsLog(stand.programs, stand.login, stand.backups.folder, stand.log)
    record = held(scene, StandGround(stand))
    restore = next(one for one in record.steps if one.name == "restore")
    assert restore.verdict is Verdict.FAIL
    assert "an older state was brought back: it ends at 0/" in restore.said
    assert "and the archive goes on to 0000000" in restore.said


def sent(channel: str, *, delivered: bool | None, why: str = "") -> Notification:
    return Notification(0.0, channel, "failure", "a drill", delivered, why, took_s=0.2)


def test_a_notification_that_somebody_did_not_hear_names_the_channel() -> None:
    asked: list[tuple[str, str]] = []

    def tell(kind: str, text: str) -> list[Notification]:
        asked.append((kind, text))
        return [sent("slack", delivered=True), sent("pagerduty", delivered=False, why="no answer within 8 s")]

    with pytest.raises(NotHeard, match=r"^pagerduty: no answer within 8 s$"):
        told(tell, "failure", "a drill")()
    assert asked == [("failure", "a drill")]


def test_a_notification_is_done_when_it_was_heard_and_unproven_where_nobody_can_tell() -> None:
    assert told(lambda *_: [sent("slack", delivered=True)], "x", "y")() == "heard on slack after 0.2 s"
    assert told(lambda *_: [sent("slack", delivered=None)], "x", "y")() == ""
    with pytest.raises(NotHeard, match="names no channel"):
        told(lambda *_: [], "x", "y")()


def test_an_incident_is_opened_when_somebody_had_the_alert() -> None:
    had = Measurement(0.0, "violations", 1, bad=0, evidence=(Evidence("pagerduty had it after 1.0 s", "x"),))
    assert opened(lambda: had)() == "opened: pagerduty had it after 1.0 s"
    with pytest.raises(NotHeard, match="pagerduty: no critical test alert"):
        opened(lambda: Measurement(1.0, "violations", 1, bad=1, why="pagerduty: no critical test alert"))()
    with pytest.raises(NotHeard, match="the sink does not answer"):
        opened(lambda: Measurement(None, "violations", 0, why="the sink does not answer"))()
