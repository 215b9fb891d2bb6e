"""What a run leaves behind, as its readers read it."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import jsonschema

from reports import record
from tests.plugin.sandbox import ABSENT, FAIL, INVALID, PASS, PASSWORD, UNKNOWN, Sandbox
from tests.reports.pages import Page

pytest_plugins = ["pytester"]

LEAKS = f"""
def test_leaks(environment, judge, certificate):
    password = {PASSWORD!r}
    print("to stdout", password)
    os.write(2, password.encode())
    warnings.warn(password)
    import base64, json, urllib.parse
    shown = [password, base64.b64encode(("inspector:" + password).encode()).decode(), json.dumps(password),
             urllib.parse.quote(password, safe=""), "Authorization: Bearer abcdefgh12345678",
             "postgresql://u:other-secret@db/shop"]
    text = " | ".join(shown)
    evidence = (Evidence(password, text, "log"),)
    judge(certificate, Measurement(1.0, "violations", 3, 1, why=text, evidence=evidence), subject=password)

@pytest.mark.parametrize("name", [{PASSWORD!r}])
def test_breaks(environment, name): raise ValueError({PASSWORD!r})

def test_quiet(environment, judge, certificate):
    print({PASSWORD!r})
    judge(certificate, GOOD)
"""


def test_verdict_json_keeps_its_schema(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS, UNKNOWN, INVALID, ABSENT, FAIL, "def test_raises(): 1 / 0")
    sandbox.suite("smoke", PASS)
    sandbox.run()
    jsonschema.Draft202012Validator(record.schema()).validate(sandbox.verdict)
    assert sandbox.verdict["counts"] == {
        "PASS": 1, "UNKNOWN": 1, "INVALID": 1, "FAIL": 2, "should_missed": 0, "absent": 1, "not_run": 1,
    }  # fmt: skip


def test_junit_shows_nothing_but_a_pass_as_a_success(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS, UNKNOWN, INVALID, ABSENT, FAIL, "def test_raises(): 1 / 0")
    sandbox.suite("smoke", PASS.replace("test_pass", "test_later"))
    sandbox.run()
    suite = ElementTree.fromstring(sandbox.read("junit.xml"))[0]
    found = {
        case.get("name"): [(child.tag, child.get("type")) for child in case]
        for case in suite.iter("testcase")
    }
    assert found == {
        "test_pass": [],
        "test_unknown": [("failure", "UNKNOWN")],
        "test_invalid": [("failure", "INVALID")],
        "test_absent": [("skipped", "NOT HERE")],
        "test_fail": [("failure", "FAIL")],
        "test_raises": [("failure", "FAIL")],
        "test_later": [("skipped", "NOT RUN")],
    }
    assert (suite.get("failures"), suite.get("skipped"), suite.get("tests")) == ("4", "2", "7")
    failure = next(case[0] for case in suite.iter("testcase") if case.get("name") == "test_fail")
    assert failure.get("message") == "web-1 is crash-looping"


def test_the_page_says_the_verdict_first_and_holds_every_check(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", PASS, FAIL, UNKNOWN)
    sandbox.run()
    page = Page(sandbox.read("report.html"))
    assert page.problems == []
    assert page.titles == ["FAIL: shop, green in staging"]
    assert all(
        one in sandbox.read("report.html")
        for one in ('lang="en"', 'name="viewport"', "prefers-color-scheme: dark")
    )
    text = page.text
    order = ["FAIL", "web-1 is crash-looping", "What failed first", "Objectives", "The document's checklists"]
    assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)
    assert sorted(page.data["tests"]) == [
        "suites/preflight/test_preflight.py::test_fail",
        "suites/preflight/test_preflight.py::test_pass",
        "suites/preflight/test_preflight.py::test_unknown",
    ]


def test_names_and_messages_cannot_become_markup(sandbox: Sandbox) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    sandbox.suite(
        "preflight",
        f"@pytest.mark.parametrize('name', [1], ids=[{evil!r}])\n"
        f"def test_evil(judge, certificate, name):\n    print({evil!r})\n"
        f"    judge(certificate, Measurement(1.0, 'violations', 1, 1, why={evil!r}), subject={evil!r})",
    )
    sandbox.run()
    page = Page(sandbox.read("report.html"))
    assert page.problems == []
    assert page.scripts == 1
    assert evil in page.text
    assert "<script>alert" not in "".join(cell for test in page.tests for cell in test["resultsTableRow"])
    assert "<img" not in "".join(str(test["log"]) for test in page.tests)
    assert "<script>" not in sandbox.read("summary.md").replace("\\<script", "")


def test_no_secret_is_in_any_artefact_or_on_the_terminal(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", LEAKS)
    result = sandbox.apart("-rA")
    assert result.ret == 1
    written = {path.name: path.read_text(encoding="utf-8") for path in sandbox.folder.iterdir()}
    written["terminal"] = "\n".join([*result.outlines, *result.errlines])
    spellings = [PASSWORD, quote(PASSWORD, safe=""), base64.b64encode(PASSWORD.encode()).decode()[:-4],
                 base64.b64encode(b"inspector:" + PASSWORD.encode()).decode()[16:-4],
                 "abcdefgh12345678", "other-secret"]  # fmt: skip
    found = {(name, one) for name, text in written.items() for one in spellings if one in text}
    assert found == set()
    assert "•••" in written["verdict.json"]


def test_the_summary_is_shown_on_the_jobs_page(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", FAIL)
    sandbox.run()
    assert Path(os.environ["GITHUB_STEP_SUMMARY"]).read_text() == sandbox.read("summary.md") + "\n"
    assert sandbox.read("summary.md").startswith("# FAIL: A shop, green in staging (preflight)\n")


def test_without_pytest_html_the_rest_is_written(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", FAIL)
    assert sandbox.run("-p", "no:html").ret == 1
    assert {one.name for one in sandbox.folder.iterdir()} == {"verdict.json", "summary.md", "junit.xml"}


def test_rows_of_one_title_are_told_apart_by_their_names(sandbox: Sandbox) -> None:
    profile = sandbox.pytester.path / "shop.yaml"
    told = profile.read_text(encoding="utf-8")
    profile.write_text(told.replace("The certificate is valid", "Nodes are ready"), encoding="utf-8")
    sandbox.suite("preflight", FAIL)
    sandbox.run()
    (finding,) = sandbox.verdict["findings"]
    assert (finding["title"], finding["subject"]) == ("Nodes are ready", "certificate")
    assert "Nodes are ready (certificate)" in sandbox.read("summary.md")
