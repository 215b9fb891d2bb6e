"""A way back that is not what it seems: each defect is caught, and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.platforms.postgres.backups import BaseBackups, Recovery
from fixtures.platforms.postgres.server import Server
from reports.drills.record import DrillRecord
from reports.verdicts import Verdict
from scenarios.drills.disasters import PageCorrupted
from scenarios.drills.people import NotHeard, told
from tests.drills.product import StandGround
from tests.drills.test_drills import RESTORE, Scene, figure, scene
from tests.drills.test_rds import Hasty

__all__ = ["scene"]  # the fixture


class Spoilt(StandGround):
    """Whatever is restored comes out otherwise: before it is proven, or after."""

    before: Sequence[str] = ()
    after: Sequence[str] = ()

    @contextmanager
    def beside(self, data: Path) -> Iterator[Server]:
        with super().beside(data) as server:
            with server.connect() as link:
                for statement in self.before:
                    link.execute(statement.encode())
            yield server

    def serve(self, data: Path) -> None:
        super().serve(data)
        if data.name.startswith("postgres-restored"):
            self.stand.sql(*self.after)


def held(scene: Scene, ground: StandGround, rpo: str = "1s") -> DrillRecord:
    impatient = replace(scene.stage, back_s=2.0)  # what has failed does not come back
    return replace(scene, ground=ground, stage=impatient).hold(
        PageCorrupted("postgres", "records"), *RESTORE, rpo=rpo
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
    verify = next(one for one in record.steps if one.name == "verify")
    assert "sequence public.records_id_seq gives" in verify.said
    assert record.verdict is Verdict.FAIL


def test_an_older_snapshot_costs_more_than_was_promised(scene: Scene) -> None:
    class WithoutItsLog(BaseBackups):
        """Stops as soon as the backup itself is consistent."""

        def _recovery(self, how: Recovery) -> list[str]:
            return [*super()._recovery(how), "recovery_target = 'immediate'"]

    stand = scene.stand
    stand.backups = WithoutItsLog(stand.programs, stand.login, stand.backups.folder, stand.log)
    record = held(scene, StandGround(stand), rpo="100ms")
    assert figure(record, "rpo").verdict is Verdict.FAIL
    assert "acknowledged writes are gone" in figure(record, "rpo").reason
    assert len(record.losses) >= 10


def heard_by(*channels: str) -> Callable[[], list[str]]:
    return lambda: list(channels)


def test_a_notification_that_nobody_heard_names_who() -> None:
    sent: list[str] = []
    act = told(lambda: sent.append("x"), heard_by("slack"), ["slack", "pagerduty"], Hasty())
    with pytest.raises(NotHeard, match="not heard within 30 s: pagerduty"):
        act()
    assert sent == ["x"]
    assert told(lambda: None, heard_by("slack", "email"), ["slack"], Hasty())().startswith(
        "heard by slack after"
    )
    with pytest.raises(ValueError, match="nobody"):
        told(lambda: None, heard_by(), [])
