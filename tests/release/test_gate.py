"""Releases are tried like the product: each way to break one is noticed, named and answered as it should be."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from fixtures.target import Target
from reports.release import record
from reports.verdicts import Verdict
from tests.release.carried import Carried, carried, short
from tests.suites.running import run_stage

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "release"}
ROLLED_BACK = ("green-errors", "green-slow", "green-fails-under-load", "green-login-fails", "one-replica-bad")
UNTOLD = ("metrics-missing", "metrics-stale", "weight-ignored", "common-shock")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Of its own, or the one that VERDIGRIS_LAB names, to be quick by hand."""
    name = os.environ.get("VERDIGRIS_LAB", "")
    joined = Lab.join(name) if name else None
    if joined is not None:
        yield joined
        return
    started = Lab.start("hwayo", f"gate-{random.randrange(16**8):08x}")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def access(lab: Lab) -> Iterator[Access]:
    found = Access(lab.facts)
    mend_all(found)
    yield found
    found.close()


@pytest.fixture
def broken(access: Access, request: pytest.FixtureRequest) -> Iterator[str]:
    try:
        put_in(access, DEFECTS[request.param])
        yield request.param
    finally:
        mend_all(access)


def is_restored(found: Carried) -> bool:
    return found.record.restored is not None and found.record.restored.ok


def steps(found: Carried) -> dict[str, record.Step]:
    assert found.record.rollback is not None
    return {step.name: step for step in found.record.rollback.steps}


def test_a_healthy_release_passes_the_whole_suite(access: Access, tmp_path: Path) -> None:
    run = run_stage("release", lab=access.facts["name"], folder=tmp_path)
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.exit_code == 0
    found = record.read(tmp_path / record.NAME)
    assert [stage.name for stage in found.stages] == ["5%", "25%", "50%", "100%"]
    assert found.rollback is not None
    assert found.rollback.ok
    assert (tmp_path / "backup-blue.yaml").exists()


@pytest.mark.parametrize("broken", ROLLED_BACK, indirect=True)
def test_a_worse_green_is_rolled_back_in_the_first_stages(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert DEFECTS[broken].says in "; ".join(found.record.reasons)
    stage = found.record.stages[-1]
    assert found.with_verdict(Verdict.FAIL) == {f"canary_watch_{stage.weight * 100:g}"}, found.told
    assert found.record.rollback is not None
    assert found.record.rollback.ok, found.told
    assert found.record.rollback.last_green_s is not None
    assert found.record.rollback.last_green_s - found.record.rollback.decided_s <= 10
    assert is_restored(found)


@pytest.mark.parametrize("broken", UNTOLD, indirect=True)
def test_what_cannot_be_told_is_neither_promoted_nor_rolled_back(
    broken: str, lab: Lab, tmp_path: Path
) -> None:
    found = carried(lab, tmp_path)
    assert found.record.outcome == "inconclusive", found.told
    assert DEFECTS[broken].says in "; ".join(found.record.reasons)
    assert found.record.rollback is None
    assert is_restored(found)
    fails = {"canary_split_5"} if broken == "weight-ignored" else set()
    assert found.with_verdict(Verdict.FAIL) - {"zero_downtime", "availability"} == fails, found.told
    assert "canary_watch_5" in found.with_verdict(Verdict.UNKNOWN)


@pytest.mark.parametrize("broken", ["sticky-connections"], indirect=True)
def test_who_stays_connected_to_green_is_seen(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, short(Target.load("hwayo")))
    assert found.record.outcome == "promote", found.told
    assert steps(found)["switch"].ok is False
    assert "connections that were kept" in steps(found)["switch"].said
    assert "release_rollback" in found.with_verdict(Verdict.FAIL)


@pytest.mark.parametrize("broken", ["rollback-late"], indirect=True)
def test_a_rollback_that_takes_too_long_is_over_its_budget(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert steps(found)["switch"].ok is False
    assert "release_rollback" in found.with_verdict(Verdict.FAIL)


@pytest.mark.parametrize("broken", ["blue-broken-at-rollback"], indirect=True)
def test_nobody_is_sent_to_a_blue_that_is_not_fit(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert found.record.rollback is not None
    assert found.record.rollback.kind == "emergency"
    assert DEFECTS[broken].says in found.record.rollback.reason
    assert steps(found)["maintenance"].ok
    assert "switch" not in steps(found)
    assert "release_rollback" in found.with_verdict(Verdict.FAIL) or not found.record.rollback.ok


@pytest.mark.parametrize("broken", ["blue-removed-early"], indirect=True)
def test_a_blue_that_is_gone_is_missed(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, short(Target.load("hwayo")))
    assert "old_environment" in found.with_verdict(Verdict.FAIL), found.told
    assert DEFECTS[broken].says in found.told


@pytest.mark.parametrize("broken", ["notification-dead"], indirect=True)
def test_a_dead_channel_is_named_and_holds_nothing_up(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, short(Target.load("hwayo")))
    assert found.record.outcome == "promote", found.told
    assert found.with_verdict(Verdict.FAIL) == {"release_notified"}
    dead = [one for one in found.record.notifications if not one.delivered]
    assert {one.channel for one in dead} == {DEFECTS[broken].says}
