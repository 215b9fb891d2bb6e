"""Scan results as pipelines hand them in, with `--scans DIR`: clean ones pass, and one that is not fails for itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.lab import Lab
from fixtures.lab.systems.hwayo import SYSTEM
from scenarios.checks import measure
from tests.suites.recorded import around, the_check
from tests.suites.running import run_stage

CLEAN = Path(__file__).with_name("scans")  # as Trivy, gitleaks, SonarQube and npm audit write them
FILES = {
    "scan-images": "trivy",
    "scan-secrets": "gitleaks",
    "scan-code": "sonarqube",
    "scan-dependencies": "npm-audit",
}
# What each scanner would write of something that must not go out: rule, CVSS score, where.
GRAVE = {
    "scan-images": ("CVE-2024-3094", "10.0", "CRITICAL: xz-utils 5.6.1 has a back door", "hwayo-api"),
    "scan-secrets": ("aws-access-token", "", "an AWS access key was committed", "src/config.ts"),
    "scan-code": ("typescript:S3649", "8.6", "BLOCKER: SQL is put together from what users type", "src/query.ts"),
    "scan-dependencies": ("GHSA-jf85-cpcp-j695", "9.1", "critical: lodash 4.17.11", "package-lock.json"),
}  # fmt: skip


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CLEAN, tmp_path / "scans"))


def spoil(file: Path, rule: str, score: str, message: str, place: str) -> None:
    """Add one result of SARIF's level for HIGH and CRITICAL."""
    document: dict[str, Any] = json.loads(file.read_text())
    run = document["runs"][-1]
    properties = {"security-severity": score} if score else {}
    run["tool"]["driver"].setdefault("rules", []).append({"id": rule, "properties": properties})
    where = {"physicalLocation": {"artifactLocation": {"uri": place}, "region": {"startLine": 7}}}
    run["results"].append(
        {"ruleId": rule, "level": "error", "message": {"text": message}, "locations": [where]}
    )
    file.write_text(json.dumps(document))


def test_clean_files_break_nothing(scans: Path) -> None:
    found = {name: measure(the_check(name), around(scans=str(scans))) for name in FILES}
    assert {name: one.value for name, one in found.items()} == dict.fromkeys(FILES, 0.0)
    assert found["scan-images"].samples == len(SYSTEM.images)  # Trivy scans each


@pytest.mark.parametrize("spoiled", FILES)
def test_a_grave_result_fails_the_check_of_its_scanner_alone(scans: Path, spoiled: str) -> None:
    rule, score, message, place = GRAVE[spoiled]
    spoil(scans / f"{FILES[spoiled]}.sarif", rule, score, message, place)
    found = {name: measure(the_check(name), around(scans=str(scans))) for name in FILES}
    assert {name for name, one in found.items() if one.value} == {spoiled}
    why = found[spoiled].why
    assert all(word in why for word in (rule, score, message, f"{place}:7"))


@pytest.mark.parametrize("tool", ["Trivy", "gitleaks", "SonarQube", "npm audit"])
def test_the_clean_files_are_whole_sarif(tool: str) -> None:
    document = json.loads((CLEAN / f"{tool.lower().replace(' ', '-')}.sarif").read_text())
    assert document["version"] == "2.1.0"
    for run in document["runs"]:
        assert run["tool"]["driver"]["name"] == tool
        rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
        for result in run["results"]:
            assert result["level"] in ("note", "warning")
            assert float(rules[result["ruleId"]]["properties"]["security-severity"]) < 7
    if tool == "Trivy":
        scanned = {run["properties"]["imageName"].rsplit(":", 1)[0] for run in document["runs"]}
        assert scanned == SYSTEM.images.keys()


@pytest.mark.lab
def test_the_gate_takes_them_from_the_command_line(lab: Lab, scans: Path, tmp_path: Path) -> None:
    """The lab declares scans absent; with files handed in they are looked at."""

    def gate(folder: str) -> Any:
        options = ("--scans", str(scans), "-k", "scan")
        return run_stage("preflight", lab=lab.facts["name"], folder=tmp_path / folder, options=options)

    clean = gate("clean")
    assert (clean.exit_code, clean.with_verdict("PASS")) == (10, set(FILES)), clean.output[-4000:]
    spoil(scans / "npm-audit.sarif", *GRAVE["scan-dependencies"])
    spoiled = gate("spoiled")
    assert (spoiled.exit_code, spoiled.with_verdict("FAIL")) == (1, {"scan-dependencies"})
    assert spoiled.with_verdict("PASS") == set(FILES) - {"scan-dependencies"}
    assert "GHSA-jf85-cpcp-j695: error (CVSS 9.1) in package-lock.json:7" in spoiled.reasons("FAIL")
