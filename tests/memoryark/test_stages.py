"""The dearer stages on MemoryArk's lab of real containers: a healthy one passes, what only they can see is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(480)]
SYSTEM = "memoryark-line"
EXPERIMENTS = ("backend-killed", "line-service-killed", "proxy-killed", "proxy-stopped", "cache-cut-off")
PROMISED = {
    "load": {"response_time", "error_rate", "cpu", "memory"},
    "chaos": set(EXPERIMENTS),
    "release": {"new-containers", "availability"},
    "drills": {"disaster", "disaster_rto", "disaster_rpo", "recovery_time", "recovery_point"},
}
# A drill of which a step failed is given up soon: whether users were back by then depends on the machine.
MAY_BE_UNKNOWN: dict[str, set[str]] = {
    "load": set(),
    "chaos": set(),
    "release": {"availability"},  # of a version that was never watched
    "drills": {"disaster_rto", "recovery_time"},
}
DEFECTS = {name: one for name, one in known(SYSTEM).items() if one.stage in PROMISED}


def stage(lab: Access, name: str, folder: Path) -> Run:
    kept = ("--drill-records", str(folder / "records")) if name == "drills" else ()
    return run_stage(
        name,
        lab=lab.facts["name"],
        folder=folder / "run",
        options=("--target", SYSTEM, *kept),
        timeout_s=400,
    )


def test_each_stage_has_defects_of_its_own() -> None:
    for name in PROMISED:
        assert len([one for one in DEFECTS.values() if one.stage == name]) >= 4


@pytest.mark.parametrize("name", PROMISED)
def test_a_healthy_lab_passes_in_silence(access: Access, tmp_path: Path, name: str) -> None:
    run = stage(access, name, tmp_path)
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.with_verdict("PASS") == PROMISED[name]


@pytest.mark.parametrize("broken", DEFECTS.values(), ids=DEFECTS, indirect=True)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Defect, access: Access, tmp_path: Path
) -> None:
    run = stage(access, broken.stage, tmp_path)
    assert run.with_verdict("FAIL") == broken.caught_by, run.output[-4000:]
    unknown = run.with_verdict("UNKNOWN", "INVALID")
    assert unknown <= MAY_BE_UNKNOWN[broken.stage], run.output[-4000:]
    assert run.exit_code == 1
    assert broken.says in run.reasons("FAIL", broken.caught_by)
