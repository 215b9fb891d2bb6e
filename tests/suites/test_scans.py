"""Scan results are read as SARIF 2.1.0 has them; no file, a broken scan or another tool's is no evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import around, the_check


def result(level: str | None = "error", **other: Any) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": "package.json"}, "region": {"startLine": 7}}}
    found = {"ruleId": "CVE-1", "message": {"text": "a hole"}, "locations": [place], **other}
    return found | ({"level": level} if level else {})


def scanned(folder: Path, *results: dict[str, Any], tool: str = "Trivy", **run: Any) -> Measurement:
    rules = [
        {
            "id": "CVE-1",
            "defaultConfiguration": {"level": "error"},
            "properties": {"security-severity": "9.8"},
        }
    ]
    document = {
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": tool, "rules": rules}}, "results": results, **run}],
    }
    (folder / "trivy.sarif").write_text(json.dumps(document))
    return measure(the_check("scan-images"), around(scans=str(folder)))


def test_a_scan_that_found_nothing_is_clean(tmp_path: Path) -> None:
    found = scanned(tmp_path)
    assert (found.value, found.samples) == (0, 1)


def test_a_finding_of_a_forbidden_level_is_named_with_its_place(tmp_path: Path) -> None:
    found = scanned(tmp_path, result(), result("note"))
    assert found.value == 1
    assert "CVE-1: error (CVSS 9.8) in package.json:7: a hole" in found.why


def test_a_level_that_is_not_written_is_the_rules_own(tmp_path: Path) -> None:
    assert scanned(tmp_path, result(None)).value == 1
    assert scanned(tmp_path, result(None, ruleId="other")).value == 0  # warning, as the standard has it


@pytest.mark.parametrize(
    ("mark", "count"),
    [([{"kind": "external"}], 0), ([{"kind": "external", "status": "underReview"}], 1), ([], 1)],
)
def test_only_what_somebody_accepted_is_left_out(
    tmp_path: Path, mark: list[dict[str, str]], count: int
) -> None:
    assert scanned(tmp_path, result(suppressions=mark)).value == count


def test_a_passed_rule_is_no_finding(tmp_path: Path) -> None:
    assert scanned(tmp_path, result(kind="pass")).value == 0


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"tool": "gitleaks"}, "is a scan of gitleaks, not of Trivy"),
        ({"invocations": [{"executionSuccessful": False}]}, "the scan of Trivy broke off"),
        ({"results": None}, "reports no results, not even none"),
    ],
)
def test_a_scan_that_proves_nothing_is_no_evidence(tmp_path: Path, how: dict[str, Any], words: str) -> None:
    found = scanned(tmp_path, **how)
    assert found.value is None
    assert words in found.why


def test_a_run_without_a_list_of_results_was_no_scan(tmp_path: Path) -> None:
    run = {"tool": {"driver": {"name": "Trivy"}}}
    (tmp_path / "trivy.sarif").write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    assert measure(the_check("scan-images"), around(scans=str(tmp_path))).value is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"runs": []}', '{"runs": [{}]}', '{"runs": 3}'])
def test_a_file_that_is_no_scan_is_no_evidence(tmp_path: Path, text: str) -> None:
    (tmp_path / "trivy.sarif").write_text(text)
    assert measure(the_check("scan-images"), around(scans=str(tmp_path))).value is None


def test_a_file_that_is_not_there_is_no_evidence(tmp_path: Path) -> None:
    found = measure(the_check("scan-images"), around(scans=str(tmp_path)))
    assert found.value is None
    assert "no scan result at" in found.why
