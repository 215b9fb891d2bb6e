"""The stage as people run it, on a healthy lab, by somebody who may do what its role says and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from fixtures.target import Target
from fixtures.target.experiment import Experiment, MeanResponse
from reports.chaos import page
from reports.release import page as release_page
from tests.rights import least_of
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(600)]
WELL_S = 60.0
LASTS_S = 420.0
EXPERIMENTS = [one for one in Target.load("hwayo").checks if isinstance(one, Experiment)]
LONG = {one.name for one in EXPERIMENTS if one.long}
MEANS = {one.name for one in Target.load("hwayo").checks if isinstance(one, MeanResponse)}


def carried_out(lab: Lab, access: Access, folder: Path, *options: str) -> Run:
    wait_until(lambda: is_well(access), WELL_S)
    with least_of(lab, access, "chaos", long="--long" in options):
        return run_stage("chaos", lab=access.facts["name"], folder=folder, options=options, timeout_s=LASTS_S)


def test_a_release_that_meets_a_fault_is_taken_back_and_a_teams_litmus_experiment_is_held_to_its_word(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    run = carried_out(lab, access, tmp_path, "--long", "-k", " or ".join(sorted(LONG)))
    assert run.findings.keys() == LONG
    assert run.with_verdict("PASS") == LONG, run.output[-4000:]
    shown = tmp_path / "experiments" / "release-rolled-back"
    text = (shown / page.NAME).read_text()
    assert "release, 5%: roll back: " in text  # by errors or by health checks, whichever breaks first
    assert "rollback: 立即切換流量到藍環境" in text
    assert (shown / "release" / release_page.NAME).is_file()
    assert (
        "by its own word: pod-delete: Pass" in (tmp_path / "experiments/teams-litmus" / page.NAME).read_text()
    )


def test_the_stage_passes_by_its_role_and_leaves_long_experiments_out(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    run = carried_out(lab, access, tmp_path)
    assert run.with_verdict("PASS") == {one.name for one in EXPERIMENTS} - LONG | MEANS, run.output[-4000:]
    assert run.exit_code == 0
    text = (tmp_path / "experiments" / "errors-noticed" / page.NAME).read_text()
    for moment in ("pending", "firing", "routed"):
        assert f"alert HighErrorRate {moment}" in text
    assert "HighErrorRate received by pagerduty" in text
