"""summary.md: the run in Markdown, for a job's summary or a chat: verdict, what failed and why, and the table."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reports.figures import margin, measured, seconds
from reports.run import Run, by_stage, count, headline
from reports.verdicts import Evidence, Finding, Verdict

SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?", Verdict.INVALID: "!"}
FAILURES_SHOWN = 20
LOG_LINES_SHOWN = 12


def summary(run: Run) -> str:
    """The whole page; everything that a system said is escaped, so that it cannot pass for the page's own words."""
    parts: list[Iterable[str]] = [
        _head(run),
        _problems("What failed", run.failures),
        _problems("What could not be judged", run.undecided),
        _problems("Should-objectives missed", run.missed),
        _table(run),
        _rest(run),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def append_to_job(text: str) -> None:
    """Show it on the job's page where the CI offers one (GITHUB_STEP_SUMMARY names a file)."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as job:
            job.write(text + "\n")


def _head(run: Run) -> Iterator[str]:
    setting, counts = run.setting, run.counts
    looked_at = [", ".join(run.scope.stages)] if run.scope.stages else []
    left = [f"not run: {', '.join(run.stages_left)}"] if run.stages_left else []
    stages = f" ({text('; '.join([*looked_at, *left]))})" if looked_at or left else ""
    where = f"{text(setting.title or setting.target)}, {text(setting.side)} in {text(setting.environment)}"
    yield f"# {run.banner}: {where}{stages}"
    yield ""
    yield text(run.reason)
    yield ""
    yield " · ".join(
        [f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict]
        + [f"{counts['not_run']} not run", f"{counts['absent']} not verifiable here"]
        + [f"took {seconds(run.duration_s)}", f"run `{run.id}`"]
    )
    yield ""


def _problems(heading: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    if not findings:
        return
    yield f"## {heading}"
    yield ""
    for number, finding in enumerate(findings[:FAILURES_SHOWN], 1):
        source = f" ({text(finding.source)})" if finding.source else ""
        yield f"{number}. **{text(headline(finding))}**{source}: {text(finding.reason)}"
        if number == 1:
            for evidence in finding.measurement.evidence:
                yield from _evidence(evidence)
    if len(findings) > FAILURES_SHOWN:
        yield f"\nand {count(len(findings) - FAILURES_SHOWN, 'more')}"
    yield ""


def _evidence(evidence: Evidence) -> Iterator[str]:
    """A fenced block below its list item; the fence is longer than any within."""
    if evidence.kind == "image":
        return
    ticks = max((len(run) for run in re.findall(r"`+", evidence.text)), default=0)
    fence = "`" * max(3, ticks + 1)
    yield ""
    yield f"   {text(evidence.title)}"
    yield ""
    yield f"   {fence}text"
    yield from (f"   {line}" for line in evidence.text.splitlines()[-LOG_LINES_SHOWN:])
    yield f"   {fence}"


def _table(run: Run) -> Iterator[str]:
    if not run.findings:
        return
    yield "## Objectives"
    yield ""
    yield "| | objective | measured | bound | margin | samples | section | side |"
    yield "| --- | --- | --- | --- | --- | ---: | --- | --- |"
    for findings in by_stage(run.findings).values():
        yield from map(_row, findings)
    yield ""


def _row(finding: Finding) -> str:
    verdict = "not here" if finding.absent else f"{SIGNS[finding.verdict]} {finding.verdict}"
    cells = (
        verdict,
        headline(finding) + ("" if finding.must else " (should)"),
        measured(finding.measurement),
        finding.bound,
        str(margin(finding) or "–"),
        f"{finding.measurement.samples:,}",
        finding.source,
        finding.side,
    )
    return "| " + " | ".join(map(text, cells)) + " |"


def _rest(run: Run) -> Iterator[str]:
    if run.absent:
        yield "## Not verifiable here"
        yield ""
        yield from (
            f"- {text(why)}: {text(', '.join(what))}" for why, what in run.unverifiable.items() if what
        )
        yield ""
    if run.not_run:
        yield "## Not run"
        yield ""
        for why in dict.fromkeys(one.why for one in run.not_run):
            yield f"- {count(sum(one.why == why for one in run.not_run), 'check')}: {text(why)}"
        yield ""


def text(words: str) -> str:
    """On one line, and with nothing in it that Markdown or HTML would take for markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", " ".join(words.split()))
