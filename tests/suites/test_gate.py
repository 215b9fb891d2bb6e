"""The gate is tried like the product: each defect of the lab is caught by the checks that should, and by no others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from fixtures.target.load import PROFILES
from tests.suites.running import run_stage
from tests.suites.together import Group, title, together

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage in ("preflight", "smoke")}
MOST = 4  # defects in one run
# They change what others are seen by, or are seen by what others break: who monitors, whose queue reports wait in, who
# is let in.
SOLO = frozenset({"prometheus-down", "green-reads-blue-database", "anybody-let-in"})
GROUPS = together(DEFECTS.values(), MOST, SOLO)
# Where each kind is kept, in all namespaces.
ROOTS = {
    **{kind: f"/api/v1/{kind}" for kind in ("services", "secrets", "configmaps", "nodes")},
    "deployments": "/apis/apps/v1/deployments",
    "networkpolicies": "/apis/networking.k8s.io/v1/networkpolicies",
    "roles": "/apis/rbac.authorization.k8s.io/v1/roles",
    "gateways": "/apis/networking.istio.io/v1beta1/gateways",
}
REVISION = "deployment.kubernetes.io/revision"  # counts rollouts, so going back counts too


def standing(lab: Access) -> dict[str, Any]:
    """Everything in the cluster that somebody decided on, by kind and name."""
    found = {}
    for kind, path in ROOTS.items():
        for one in (lab.get(path) or {})["items"]:
            kept = {key: value for key, value in one.items() if key not in ("metadata", "status")}
            meta = one["metadata"]
            notes = {key: value for key, value in (meta.get("annotations") or {}).items() if key != REVISION}
            images = one.get("status", {}).get("images")
            found[f"{kind}/{meta.get('namespace', '')}/{meta['name']}"] = [
                kept,
                meta.get("labels"),
                notes,
                images,
            ]
    return found


@pytest.fixture(scope="module")
def before(access: Access) -> dict[str, Any]:
    return standing(access)


@pytest.fixture
def broken(access: Access, before: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Group]:
    """The defects are in; afterwards everything stands as it stood before."""
    defects: Group = request.param
    try:
        for defect in defects:
            put_in(access, defect)
        yield defects
    finally:
        mend_all(access)
    assert standing(access) == before


def one_by_one() -> list[ParameterSet]:
    """Those once more that share a run."""
    shared = (one for group in GROUPS if len(group) > 1 for one in group)
    return [pytest.param((one,), id=one.name, marks=pytest.mark.long) for one in shared]


@pytest.mark.parametrize(
    "broken", [*(pytest.param(group, id=title(group)) for group in GROUPS), *one_by_one()], indirect=True
)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Group, access: Access, tmp_path: Path
) -> None:
    run = run_stage(broken[0].stage, lab=access.facts["name"], folder=tmp_path)
    caught_by, blinds, also = (
        frozenset[str]().union(*(getattr(one, felt) for one in broken))
        for felt in ("caught_by", "blinds", "also")
    )
    assert run.with_verdict("FAIL") - also == caught_by, run.output[-4000:]
    assert run.with_verdict("UNKNOWN", "INVALID") == blinds, run.output[-4000:]
    assert run.exit_code == (1 if caught_by else 10)
    for defect in broken:
        said = run.reasons("FAIL" if defect.caught_by else "UNKNOWN", defect.caught_by or defect.blinds)
        assert defect.says in said


@pytest.mark.parametrize("side", ["green", "blue"])
def test_a_healthy_lab_passes_in_silence_on_either_side(access: Access, tmp_path: Path, side: str) -> None:
    run = run_stage("preflight", "smoke", lab=access.facts["name"], folder=tmp_path, options=("--side", side))
    assert run.with_verdict("FAIL", "UNKNOWN", "INVALID") == set(), run.output[-4000:]
    assert run.exit_code == 0
    assert len(run.with_verdict("PASS")) > 40


def test_rules_that_are_cut_off_as_the_documents_are_stop_the_release(access: Access, tmp_path: Path) -> None:
    """And nothing that stands on them is known: what is silenced, and what is loaded."""
    shutil.copytree(PROFILES, tmp_path / "targets")
    rules = tmp_path / "targets" / "hwayo" / "alerts.yaml"
    rules.write_text(rules.read_text().replace("for: 5m\n", "for: 5\n", 1))
    profile = str(tmp_path / "targets" / "hwayo.yaml")
    seen = run_stage(
        "preflight", lab=access.facts["name"], folder=tmp_path / "run", options=("--target", profile)
    )
    assert seen.with_verdict("FAIL") == {"alert-rules-valid"}, seen.output[-4000:]
    unknown = {"alert-rules-loaded", "critical-reaches-people", "warning-reaches-people"}
    assert seen.with_verdict("UNKNOWN") == unknown
    assert "not a valid duration string" in seen.reasons("FAIL")


def test_a_scan_with_a_critical_vulnerability_stops_the_release(access: Access, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for file, tool in (
        ("trivy", "Trivy"),
        ("gitleaks", "gitleaks"),
        ("sonarqube", "SonarQube"),
        ("npm-audit", "npm audit"),
    ):
        found = {"ruleId": "CVE-2024-3094", "level": "error", "message": {"text": "xz 5.6.1: a back door"}}
        run = {"tool": {"driver": {"name": tool}}, "results": [found] if tool == "Trivy" else []}
        (scans / f"{file}.sarif").write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    seen = run_stage(
        "preflight",
        lab=access.facts["name"],
        folder=tmp_path / "run",
        options=("--scans", str(scans), "-k", "scan"),
    )
    assert seen.with_verdict("FAIL") == {"scan-images"}, seen.output[-4000:]
    assert seen.with_verdict("PASS") == {"scan-secrets", "scan-code", "scan-dependencies"}
    assert seen.exit_code == 1
    assert "CVE-2024-3094" in seen.reasons("FAIL")
