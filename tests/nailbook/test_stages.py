"""The dearer stages on NailBook's lab: silent on a healthy one, and what only they can see is caught and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(300)]
SYSTEM = "nailbook-line"
# Enough answers for "less than 0.1% of errors", at a rate that two cores carry beside the lab.
OPTIONS = {"load": ("--load", "rate=100/s", "--load-for", "35s", "-k", "not green_is_no_slower")}
PROMISED = {
    "load": {"response_time", "error_rate", "pool", "monitoring_agrees"},
    "chaos": {"task-stopped", "all-tasks-stopped", "no-tasks-wanted", "slots-sold-once"},
    "drills": {"manual_rollback", "manual_rollback_rto", "backups-archived"},
}
DEFECTS = {name: one for name, one in known(SYSTEM).items() if one.stage in PROMISED}


def stage(lab: Access, name: str, folder: Path, *options: str) -> Run:
    told = ("--target", SYSTEM, *OPTIONS.get(name, ()), *options)
    return run_stage(name, lab=lab.facts["name"], folder=folder, options=told)


@pytest.mark.parametrize("name", PROMISED)
def test_a_healthy_lab_passes_in_silence(access: Access, tmp_path: Path, name: str) -> None:
    run = stage(access, name, tmp_path)
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.with_verdict("PASS") == PROMISED[name]


@pytest.mark.parametrize("broken", DEFECTS.values(), ids=DEFECTS, indirect=True)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Defect, access: Access, tmp_path: Path
) -> None:
    only = ("-k", "slots") if broken.stage == "chaos" else ()
    run = stage(access, broken.stage, tmp_path, *only)
    assert run.with_verdict("FAIL") == broken.caught_by, run.output[-4000:]
    assert run.exit_code == 1
    assert broken.says in run.reasons("FAIL", broken.caught_by)
