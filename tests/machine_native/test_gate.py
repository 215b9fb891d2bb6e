"""The gate of Machine Native Ops on its own lab: silent on a healthy one, and each defect is caught and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from tests.suites.running import Run, run_stage
from tests.suites.together import Group, title, together

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(240)]
SYSTEM = "machine-native-ops"
DEFECTS = {name: one for name, one in known(SYSTEM).items() if one.stage in ("preflight", "smoke")}
MOST = 4  # defects in one run
# They change what others are seen by: whom Argo CD follows, whether it looks at all.
SOLO = frozenset({"argo-cd-asleep", "no-such-revision", "older-version-wanted", "green-reads-blues-database"})
GROUPS = together(DEFECTS.values(), MOST, SOLO)


def gate(lab: Access, folder: Path, *stages: str, side: str = "green") -> Run:
    options = ("--target", SYSTEM, "--side", side)
    return run_stage(*stages, lab=lab.facts["name"], folder=folder, options=options)


@pytest.fixture
def broken(access: Access, request: pytest.FixtureRequest) -> Iterator[Group]:
    """The defects are in; afterwards everything is well again."""
    defects: Group = request.param
    try:
        for defect in defects:
            put_in(access, defect)
        yield defects
    finally:
        mend_all(access)


@pytest.mark.parametrize("side", ["green", "blue"])
def test_a_healthy_lab_passes_in_silence_on_either_side(access: Access, tmp_path: Path, side: str) -> None:
    run = gate(access, tmp_path, "preflight", "smoke", side=side)
    failed = {name for name in run.with_verdict("FAIL", "UNKNOWN", "INVALID") if run.findings[name]["must"]}
    assert failed == set(), run.output[-4000:]
    assert run.exit_code == 0
    assert len(run.with_verdict("PASS")) >= 30


@pytest.mark.parametrize("broken", [pytest.param(group, id=title(group)) for group in GROUPS], indirect=True)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Group, access: Access, tmp_path: Path
) -> None:
    run = gate(access, tmp_path, broken[0].stage)
    caught_by, blinds, also = (
        frozenset[str]().union(*(getattr(one, felt) for one in broken))
        for felt in ("caught_by", "blinds", "also")
    )
    gating = {name for name, one in run.findings.items() if one["must"]}
    assert (run.with_verdict("FAIL") & gating) - also == caught_by, run.output[-4000:]
    assert run.with_verdict("UNKNOWN", "INVALID") & gating == blinds, run.output[-4000:]
    assert run.exit_code == (1 if caught_by else 10)
    for defect in broken:
        said = run.reasons("FAIL" if defect.caught_by else "UNKNOWN", defect.caught_by or defect.blinds)
        assert defect.says in said
