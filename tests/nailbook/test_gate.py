"""NailBook's gate on its own lab, ECS behind an ALB: silent on a healthy one, and each defect is caught and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(240)]
SYSTEM = "nailbook-line"
DEFECTS = {name: one for name, one in known(SYSTEM).items() if one.stage in ("preflight", "smoke")}


def gate(lab: Access, folder: Path, *stages: str, side: str = "green") -> Run:
    options = ("--target", SYSTEM, "--side", side)
    return run_stage(*stages, lab=lab.facts["name"], folder=folder, options=options)


@pytest.mark.parametrize("side", ["green", "blue"])
def test_a_healthy_lab_passes_in_silence_on_either_side(access: Access, tmp_path: Path, side: str) -> None:
    run = gate(access, tmp_path, "preflight", "smoke", side=side)
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.exit_code == 0
    assert len(run.with_verdict("PASS")) >= 20


@pytest.mark.parametrize("broken", DEFECTS.values(), ids=DEFECTS, indirect=True)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Defect, access: Access, tmp_path: Path
) -> None:
    run = gate(access, tmp_path, broken.stage)
    assert run.with_verdict("FAIL") == broken.caught_by, run.output[-4000:]
    assert run.with_verdict("UNKNOWN", "INVALID") == broken.blinds, run.output[-4000:]
    assert run.exit_code == 1
    assert broken.says in run.reasons("FAIL", broken.caught_by)


@pytest.mark.parametrize(
    ("host", "caught"), [("green.api.nailbook.com", set()), ("blue.api.nailbook.com", {"side-proven"})]
)
def test_a_side_is_asked_by_the_address_that_the_document_writes(
    access: Access, tmp_path: Path, host: str, caught: set[str]
) -> None:
    """`pytest tests/smoke/ --base-url=https://green.api.nailbook.com`; and another side's address is noticed."""
    options = ("--target", SYSTEM, f"--base-url=https://{host}")
    run = run_stage("smoke", lab=access.facts["name"], folder=tmp_path, options=options)
    failed = run.with_verdict("FAIL")
    assert failed >= caught, run.output[-4000:]
    assert bool(failed) == bool(caught), run.output[-4000:]
    assert run.exit_code == (1 if caught else 0)
