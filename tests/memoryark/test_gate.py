"""MemoryArk's gate on its own lab of real containers: silent on a healthy one, and each defect is caught and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(240)]
SYSTEM = "memoryark-line"
STAGES = ("preflight", "smoke")  # test_stages.py has the dearer ones
DEFECTS = {name: one for name, one in known(SYSTEM).items() if one.stage in STAGES}


def gate(lab: Access, folder: Path, *stages: str) -> Run:
    return run_stage(*stages, lab=lab.facts["name"], folder=folder, options=("--target", SYSTEM))


def test_a_healthy_lab_passes_in_silence(access: Access, tmp_path: Path) -> None:
    run = gate(access, tmp_path, "preflight", "smoke")
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.exit_code == 0
    assert len(run.with_verdict("PASS")) >= 30


@pytest.mark.parametrize("broken", DEFECTS.values(), ids=DEFECTS, indirect=True)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Defect, access: Access, tmp_path: Path
) -> None:
    run = gate(access, tmp_path, broken.stage)
    assert run.with_verdict("FAIL") - broken.also == broken.caught_by, run.output[-4000:]
    assert run.with_verdict("UNKNOWN", "INVALID") == broken.blinds, run.output[-4000:]
    assert run.exit_code == 1
    assert broken.says in run.reasons("FAIL", broken.caught_by)
