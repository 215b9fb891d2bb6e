"""Holds a run against its baseline and writes the page; keeps the run where that was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reports.baseline import page, store
from reports.baseline.conditions import Difference, OtherConditions, comparable
from reports.baseline.history import Standing
from reports.baseline.page import Told
from reports.baseline.sides import Comparison
from reports.baseline.store import Baseline, Kept, NoBaseline
from reports.verdicts import Evidence, Measurement

MeasureNoise = Callable[[], Kept]  # runs the same code against itself, and keeps what that said


@dataclass(frozen=True)
class Asked:
    """The names on the command line, empty where none was given; and where baselines are."""

    baseline: str = ""
    save: str = ""
    folder: Path = store.FOLDER

    @property
    def held_against(self) -> str:
        """Whoever keeps a run sees it beside those that were kept before."""
        return self.baseline or self.save


def found(name: str, folder: Path) -> Baseline:
    """What is kept under the name; nothing, where there is nothing yet."""
    return store.load(name, folder) if store.path_of(name, folder).exists() else Baseline(name)


def told(now: Kept, asked: Asked, sides: Mapping[str, Comparison]) -> Told:
    """The run beside the runs that it can be compared with; the latest one's differences are said."""
    bare = Told(now, asked.held_against, sides=dict(sides))
    if not asked.held_against:
        return bare
    baseline = found(asked.held_against, asked.folder)
    bare = dataclasses.replace(bare, noise=baseline.noise(now.conditions))
    before = [one for one in baseline.runs if one.id != now.id]
    if not before:
        return bare
    refused, fit = "", []
    differences: list[Difference] = []
    for one in before:
        try:
            differences = comparable(one.conditions, now.conditions)
        except OtherConditions as other:
            refused = str(other)
        else:
            fit.append(one)
    left_out = len(before) - len(fit)
    notes = (
        (f"{left_out} of {len(before)} runs were made under other conditions.",) if fit and left_out else ()
    )
    return dataclasses.replace(
        bare,
        before=tuple(fit),
        differences=differences,
        refused="" if fit else refused,
        notes=notes,
    )


def standing(now: Told) -> Measurement:
    """How many endpoints are out of line with their history. No value where there is too little of one."""
    trends = [(row.now, row.trend) for row in page.rows(now)]
    lines = [
        f"{one.endpoint} {one.side}: {trend.standing if trend else Standing.TOO_FEW}"
        + "".join(f"; {change}" for change in (trend.changes if trend else ()))
        for one, trend in trends
    ]
    evidence = (Evidence("history of p95", "\n".join(lines)),)
    judged = [trend for _, trend in trends if trend is not None and trend.standing is not Standing.TOO_FEW]
    if not judged:
        why = now.refused or f"{len(now.before)} comparable runs are kept, and more than ten say something"
        return Measurement(None, "count", len(now.before), why=why, evidence=evidence)
    out = [
        line
        for line, (_, trend) in zip(lines, trends, strict=True)
        if trend and trend.standing is not Standing.IN_LINE
    ]
    return Measurement(float(len(out)), "count", len(now.before) + 1, why="; ".join(out), evidence=evidence)


def save(now: Kept, asked: Asked, measure_noise: MeasureNoise) -> str:
    """Keep the run, and the noise floor where its conditions have none. Says what was done, or why it was not."""
    try:
        path = store.append(asked.save, now, asked.folder)
    except NoBaseline as refused:
        return f"not kept: {refused}"
    if found(asked.save, asked.folder).noise(now.conditions) is not None:
        return f"kept in {path}"
    try:
        store.append(asked.save, measure_noise(), asked.folder)
    except NoBaseline as refused:
        return f"kept in {path}, without a noise floor: {refused}"
    return f"kept in {path}, with its noise floor"
