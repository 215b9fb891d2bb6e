"""Backups, archive and error budget are looked at as they are, and what is too young to tell is not known."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures.platforms.postgres.kept import KeptDatabase
from fixtures.target import Side, Target
from fixtures.target.environment import Credential
from fixtures.target.servers import Servers
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings
from tests.drills.database import PASSWORD
from tests.drills.test_kept import ground
from tests.prometheus import Told, prometheus

__all__ = ["ground"]  # the fixture
MONTH_S = 730.5 * 3600


@pytest.fixture
def look(ground: KeptDatabase) -> Iterator[Callable[[str], Measurement]]:
    """Measure a check of the profile's by its name, in an environment with that database."""
    target = Target.load("hwayo")
    told = {
        "servers": Servers(database=ground._told),
        "credentials": {"database_admin_password": Credential.of_lab(PASSWORD)},
    }
    around = Surroundings(target, target.environment("lab").model_copy(update=told), Side.GREEN)
    checks = {one.name: one for one in target.checks}
    yield lambda name: measure(checks[name], around)
    around.close()


def test_a_young_database_cannot_tell_whether_backups_are_kept_for_a_month(
    ground: KeptDatabase, look: Callable[[str], Measurement]
) -> None:
    assert abs(ground.backups.made_s() - time.time()) < 600
    seen = look("backups-kept")
    assert seen.value is None
    assert "daily: the database is 0.0 h old, and backups are kept for 30 d" in seen.why
    assert seen.young


def test_without_a_backup_it_is_told_whatever_its_age(
    ground: KeptDatabase, look: Callable[[str], Measurement]
) -> None:
    with aside(ground.backups.folder):
        seen = look("backups-kept")
    assert seen.bad == 1
    assert "there is no backup" in seen.why


def test_an_archive_in_time_and_whole_passes_and_one_that_is_gone_is_named(
    ground: KeptDatabase, look: Callable[[str], Measurement]
) -> None:
    with ground.connect("postgres") as link:
        link.execute("SELECT pg_switch_wal()")
    assert look("backups-archived").bad == 0
    assert look("copies-encrypted").bad == 1  # they lie in a folder, in the open
    with aside(ground.backups.log):
        seen = look("backups-archived")
    assert seen.bad
    assert "the archive lacks" in seen.why


@contextmanager
def aside(folder: Path) -> Iterator[None]:
    away = folder.with_name(f"{folder.name}-away")
    folder.rename(away)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        away.rename(folder)


# --- the error budget ------------------------------------------------------------------------------------------------
@contextmanager
def monitoring(since_s: float, down_s: float) -> Iterator[str]:
    """A Prometheus that has watched since then, and saw nobody served for so long right after."""

    def answer(told: Told) -> list[Any]:
        begin_s, end_s, step_s = (float(told[name]) for name in ("start", "end", "step"))
        count = int((end_s - begin_s) / step_s) + 1
        assert count <= 11_000  # it hands out no more
        moments = [begin_s + number * step_s for number in range(count)]
        values = [[at, str(float(at >= since_s + down_s))] for at in moments if at >= since_s]
        return [{"metric": {}, "values": values}] if values else []

    with prometheus("matrix", answer) as url:
        yield url


@pytest.mark.parametrize(
    ("watched_s", "down_s", "bad", "says"),
    [
        (2 * MONTH_S, 0.0, 0, ""),
        (MONTH_S - 60, 40 * 60, 0, ""),
        (MONTH_S - 60, 50 * 60, 1, "overspent by 6."),
        (3600, 0.0, None, " min of 43,830.0 min were watched, 0.0 min of them down"),
        (3 * 3600, 50 * 60, 1, "overspent by 6."),
    ],
    ids=["up", "40 min", "50 min", "too young", "too young and overspent"],
)
def test_the_error_budget_is_of_the_real_month(
    watched_s: float, down_s: float, bad: int | None, says: str
) -> None:
    target = Target.load("hwayo")
    check = next(one for one in target.checks if one.name == "error-budget")
    with ExitStack() as stack:
        url = stack.enter_context(monitoring(time.time() - watched_s, down_s))
        environment = target.environment("lab").model_copy(update={"prometheus": url})
        around = Surroundings(target, environment, Side.GREEN)
        stack.callback(around.close)
        seen = measure(check, around)
    assert seen.bad == bad
    assert says in seen.why
    assert seen.young is (bad is None)
