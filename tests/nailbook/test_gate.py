"""NailBook's gate on its own lab, ECS behind an ALB: silent on a healthy one, and each defect is caught and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known, mend_all, put_in
from tests.labs import a_lab, a_way_in
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(240)]
SYSTEM = "nailbook-line"
DEFECTS = known(SYSTEM)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with a_lab("nailbook", SYSTEM) as found:
        yield found


@pytest.fixture(scope="module")
def access(lab: Lab) -> Iterator[Access]:
    with a_way_in(lab) as found:
        yield found


@pytest.fixture
def broken(access: Access, request: pytest.FixtureRequest) -> Iterator[Defect]:
    """The defect is in; afterwards everything is well again."""
    defect: Defect = request.param
    try:
        put_in(access, defect)
        yield defect
    finally:
        mend_all(access)


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
