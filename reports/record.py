"""verdict.json: a run for machines, stable across versions. `verdict.schema.json` says what is in it."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.figures import margin
from reports.run import Run
from reports.verdicts import Finding

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("verdict.schema.json")

Json = dict[str, Any]


def schema() -> Json:
    """The JSON Schema (draft 2020-12) that every verdict.json keeps."""
    found: Json = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return found


def record(run: Run) -> Json:
    """The run as plain data."""
    setting = run.setting
    return {
        "schema": SCHEMA,
        "id": run.id,
        "verdict": run.verdict.value,
        "word": run.word,
        "reason": run.reason,
        "exit_code": run.ending.exit_code,
        "cut_short": run.ending.cut_short,
        "started": moment(run.started),
        "finished": moment(run.ending.finished),
        "duration_s": round(run.duration_s, 3),
        "command": list(run.command),
        "scope": {
            "stages": list(run.scope.stages),
            "checks": run.scope.checks,
            "of": run.scope.of,
            "partial": bool(run.scope.part),
        },
        "target": {"name": setting.target, "title": setting.title, "document": setting.document},
        "environment": {
            "name": setting.environment,
            "entry": setting.entry,
            "pace": setting.pace,
            "scaled": [dataclasses.asdict(one) for one in setting.scaled],
            "absent": dict(setting.absent),
            "facts": dict(setting.facts),
        },
        "side": setting.side,
        "counts": run.counts,
        "findings": [_finding(one) for one in run.findings],
        "not_run": [dataclasses.asdict(one) for one in run.not_run],
        "checklists": _checklists(run),
    }


def written(data: Json) -> str:
    """As text: no NaN, which JSON has not; one field a line, so that two runs can be compared with diff."""
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def moment(at: float) -> str:
    """Unix seconds as UTC in RFC 3339, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _finding(finding: Finding) -> Json:
    seen = finding.measurement
    room = margin(finding)
    return {
        "name": finding.name,
        "title": finding.title,
        "subject": finding.subject,
        "stage": finding.stage,
        "side": finding.side,
        "source": finding.source,
        "bound": finding.bound,
        "must": finding.must,
        "gates": finding.gates,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "absent": finding.absent,
        "measurement": {
            "value": _number(seen.value),
            "unit": seen.unit,
            "samples": seen.samples,
            "bad": seen.bad,
            "confidence": seen.confidence,
            "young": seen.young,
            "slowest_s": _number(seen.slowest_s),
            "window": [moment(edge) for edge in seen.window] if seen.window else None,
            "why": seen.why,
            "invalid": seen.invalid,
        },
        "margin": round(room.share, 6) if room else None,
        "evidence": [dataclasses.asdict(one) for one in seen.evidence],
        "checklist": list(finding.checklist),
        "test": finding.test,
        "at": moment(finding.at),
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _checklists(run: Run) -> list[Json]:
    return [
        {
            "title": ticked.checklist.title,
            "source": ticked.checklist.source,
            "sections": [
                {
                    "title": heading,
                    "lines": [
                        {
                            "id": line.line.id,
                            "text": line.line.text,
                            "note": line.line.note,
                            "state": line.state.value,
                            "why": line.why,
                            "findings": sorted({one.name for one in line.findings}),
                        }
                        for line in lines
                    ],
                }
                for heading, lines in ticked.sections.items()
            ],
        }
        for ticked in run.ticked
    ]
