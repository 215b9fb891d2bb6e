"""The files of a run: what machines read, what people read, and what both may rely on."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from reports import artefacts, page, record, summary
from reports.recorder import Recorder
from reports.run import Ending, Scope
from reports.verdicts import Evidence, Measurement, Verdict
from tests.reports.making import LEFT, STARTED, finding, run
from tests.reports.pages import Page

EVIL = '</td></table><script>alert(1)</script> & "quoted" | `code` * <!-- ]]> \x00 \ud7ff 檢驗'
VALUES = some.none() | some.floats(allow_nan=True, allow_infinity=True)
ANYTHING = some.builds(
    finding,
    some.sampled_from(Verdict),
    title=some.text(),
    reason=some.text(),
    subject=some.text(),
    bound=some.text() | some.just("no violation, each within 2s"),
    absent=some.text(),
    measurement=some.builds(
        Measurement,
        VALUES,
        some.sampled_from(["s", "share", "B", "violations", "count", ""]),
        some.integers(0, 10**9),
        some.none() | some.integers(0, 10**9),
        evidence=some.lists(some.builds(Evidence, some.text(), some.text()), max_size=2).map(tuple),
        slowest_s=VALUES,
    ),
)


def written(html: str) -> str:
    """A fragment in a page of its own."""
    return f"<!DOCTYPE html><html><head><title>t</title></head><body>{html}</body></html>"


@settings(deadline=None)  # a busy machine
@given(some.lists(ANYTHING, max_size=3))
def test_whatever_is_found_is_a_valid_record_page_and_summary(findings: list[object]) -> None:
    made = run(*findings, not_run=(LEFT,))  # type: ignore[arg-type]
    data = json.loads(record.written(record.record(made)))
    jsonschema.Draft202012Validator(record.schema()).validate(data)
    assert Page(written(page.fragment(made))).problems == []
    assert summary.summary(made).startswith("# ")


def test_nothing_that_was_found_can_become_markup() -> None:
    seen = Measurement(1.0, "s", 10, evidence=(Evidence(EVIL, EVIL, "log"), Evidence("shot", EVIL, "image")))
    made = run(
        finding(Verdict.FAIL, title=EVIL, reason=EVIL, subject=EVIL, bound=EVIL, measurement=seen, test=EVIL)
    )
    found = Page(written(page.fragment(made)))
    assert (found.problems, found.scripts) == ([], 0)
    assert "<script>alert(1)</script>" in found.text
    shown = summary.summary(made)
    table = next(line for line in shown.splitlines() if line.startswith("| ✗"))
    assert len(re.findall(r"(?<!\\)\|", table)) == 9


def test_an_evidences_picture_lies_in_the_page() -> None:
    picture = "data:image/png;base64,iVBORw0KGgo="
    seen = Measurement(
        1.0, "s", 1, evidence=(Evidence("shot", picture, "image"), Evidence("far", "http://x", "image"))
    )
    html = page.fragment(run(finding(Verdict.FAIL, measurement=seen)))
    assert f'src="{picture}"' in html
    assert "http://x" not in html


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_is_told_in_words_and_by_shape_not_by_colour_alone(verdict: Verdict) -> None:
    made = run(finding(verdict))
    banner = page.fragment(made).split("</header>")[0]
    assert made.word in banner
    assert "<svg" in banner


def test_stages_that_did_not_run_are_named_with_those_that_did() -> None:
    load = dataclasses.replace(LEFT, stage="load", why="smoke failed, and load comes after it")
    made = run(finding(Verdict.FAIL), not_run=(load, LEFT), scope=Scope(("preflight", "smoke"), 4, 4))
    assert made.stages_left == ("e2e", "load")
    banner = page.fragment(made).split("</header>")[0]
    assert "<span>preflight, smoke</span><span>not run: e2e, load</span>" in banner
    assert summary.summary(made).splitlines()[0].endswith("(preflight, smoke; not run: e2e, load)")
    partly = run(finding(), not_run=(LEFT,), scope=Scope(("e2e",), 2, 2))
    assert partly.stages_left == ()  # a part of it was looked at, and the page says what was not


def test_the_summary_shows_what_failed_with_its_evidence_and_the_table() -> None:
    log = Evidence(
        "log of auth-service", "first\n" + "```\n" + "\n".join(f"line {n}" for n in range(40)), "log"
    )
    made = run(
        finding(Verdict.FAIL, reason="too slow", measurement=Measurement(0.9, "s", 10, evidence=(log,))),
        finding(Verdict.UNKNOWN, reason="dark"),
        finding(Verdict.FAIL, must=False, reason="aimed higher"),
        finding(absent="no DNS", title="Zone"),
        not_run=(LEFT,),
        ending=Ending(STARTED + 65, 1),
    )
    shown = summary.summary(made)
    assert shown.startswith("# FAIL: Hwayo, green in lab (not run: e2e)\n")
    parts = [
        "## What failed", "line 39", "## What could not be judged", "dark", "## Should-objectives missed",
        "## Objectives", "## Not verifiable here", "no DNS: Zone", "## Not run", "1 check: smoke failed",
    ]  # fmt: skip
    assert [shown.index(one) for one in parts] == sorted(shown.index(one) for one in parts)
    assert "1 min 5 s" in shown
    assert "line 3\n" not in shown


def test_a_run_is_written_whole_and_latest_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for name in ("first", "second"):
        folder = tmp_path / "runs" / name
        artefacts.write(run(finding(), id=name), folder)
        artefacts.point_latest(folder)
    assert sorted(one.name for one in (tmp_path / "runs").iterdir()) == ["first", "latest", "second"]
    assert json.loads((tmp_path / "runs" / "latest" / "verdict.json").read_text())["id"] == "second"
    assert sorted(one.name for one in folder.iterdir()) == ["summary.md", "verdict.json"]


def test_a_folder_that_a_person_named_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "run").mkdir()
    artefacts.point_latest(tmp_path / "run")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["latest", "run"]


def test_what_is_learned_to_be_secret_late_is_hidden_from_the_start() -> None:
    hidden: list[str] = []

    def redact(text: str) -> str:
        for one in hidden:
            text = text.replace(one, "•••")
        return text

    made = run(finding())
    recorder = Recorder(made.id, made.setting, STARTED, redact)
    recorder.add(finding(reason="token s3cret", measurement=Measurement(None, "", 0, why="s3cret")))
    recorder.scaled("watch at 5%", "15m", "15s")
    hidden.append("s3cret")
    ended = recorder.run(Ending(STARTED, 0), (), ("--password=s3cret",), Scope())
    assert "s3cret" not in record.written(record.record(ended))
    assert [one.here for one in ended.setting.scaled] == ["15s"]


def test_the_documentation_names_every_field_of_the_record() -> None:
    documented = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    assert [field for field in record.schema()["properties"] if f"`{field}`" not in documented] == []
