"""Load, and drills that lose what the platform keeps, as people run them: by somebody who may do
what the stage's role says and nothing else. Chaos has its own (`test_stage.py`), and the other stages theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from tests.faults.rows import WELL_S
from tests.rights import least_of
from tests.suites.running import run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(600)]
LASTS_S = 420.0
DRILLS = ("node_lost", "version_broken", "namespace_lost")  # of which Kubernetes has to allow something


def test_a_load_is_sent_and_judged_by_who_may_do_nothing_on_the_platform(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    wait_until(lambda: is_well(access), WELL_S)
    told = ("-k", "api_response_time or test_monitoring_agrees", "--load-for", "20s", "--load", "rate=20/s")
    with least_of(lab, access, "load"):
        run = run_stage("load", lab=access.facts["name"], folder=tmp_path, options=told, timeout_s=LASTS_S)
    assert run.with_verdict("PASS"), run.output[-4000:]
    assert not run.with_verdict("FAIL", "INVALID"), run.output[-4000:]
    assert "forbidden" not in run.output.lower()


def test_what_the_platform_keeps_is_lost_and_comes_back_by_the_drills_role(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    wait_until(lambda: is_well(access), WELL_S)
    told = ("-k", " or ".join(DRILLS), "--unattended", "--drill-records", str(tmp_path / "records"))
    with least_of(lab, access, "drills"):
        run = run_stage("drills", lab=access.facts["name"], folder=tmp_path, options=told, timeout_s=LASTS_S)
    held = {name for name in run.findings if name in DRILLS}
    assert held == set(DRILLS), run.output[-4000:]
    assert run.with_verdict("PASS") == set(run.findings), run.output[-4000:]
    wait_until(lambda: is_well(access), WELL_S)
