"""The dearer stages on Machine Native Ops' lab: silent on a healthy one; what only load shows is caught and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, known
from tests.labs import broken as broken
from tests.suites.running import run_stage

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(420)]
SYSTEM = "machine-native-ops"
PROMISED = {
    "chaos": {
        "pod-lost",
        "latency-noticed",
        "cpu-noticed",
        "memory-noticed",
        "cache-misses-noticed",
        "errors-noticed",
        "service-down-noticed",
        "database-lost-noticed",
        "time-to-respond",
        "time-to-repair",
        "cache-failover",
    },
    "load": {
        "response_time",
        "slowest",
        "cpu",
        "memory",
        "cache_hits",
        "metrics_coverage",
        "monitoring_agrees",
    },
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
# The document names no load. 100 users, where nothing is said, take a machine that nobody else uses; this one does not.
OPTIONS = {"load": ("--load", "rate=60/s", "--load-for", "35s", "-k", "not green_is_no_slower")}
# Those of experiments are tried in test_experiments, where nobody waits for what never comes.
DEFECTS = {
    name: one
    for name, one in known(SYSTEM).items()
    if one.stage == "load" or one.caught_by == {"cache-failover"}
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
        options=("--target", SYSTEM, *OPTIONS.get(name, ()), *kept),
        timeout_s=400,
        answers=answers,
    )
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.with_verdict("PASS") == PROMISED[name]


@pytest.mark.parametrize("broken", DEFECTS.values(), ids=DEFECTS, indirect=True)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Defect, access: Access, tmp_path: Path
) -> None:
    options = ("--target", SYSTEM, *OPTIONS.get(broken.stage, ("-k", " or ".join(broken.caught_by))))
    run = run_stage(broken.stage, lab=access.facts["name"], folder=tmp_path, options=options, timeout_s=300)
    assert run.with_verdict("FAIL") == broken.caught_by, run.output[-4000:]
    assert run.exit_code == 1
    assert broken.says in run.reasons("FAIL", broken.caught_by)
