"""The dearer stages on Machine Native Ops' lab are silent on a healthy one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from tests.suites.running import run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(420)]
SYSTEM = "machine-native-ops"
PROMISED = {
    "drills": {
        "disaster",
        "disaster_rto",
        "disaster_rpo",
        "recovery_time",
        "recovery_point",
        "namespace_lost",
        "namespace_lost_rto",
        "namespace_lost_rpo",
        "backups-archived",
    },
}
LEARNT = "that the archive is what counts\n" * 2  # what a person says after a disaster


@pytest.mark.parametrize("name", PROMISED)
def test_a_healthy_lab_passes_in_silence(access: Access, tmp_path: Path, name: str) -> None:
    kept = ("--drill-records", str(tmp_path / "records")) if name == "drills" else ()
    answers = LEARNT if name == "drills" else None
    run = run_stage(
        name,
        lab=access.facts["name"],
        folder=tmp_path,
        options=("--target", SYSTEM, *kept),
        timeout_s=400,
        answers=answers,
    )
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.with_verdict("PASS") == PROMISED[name]
