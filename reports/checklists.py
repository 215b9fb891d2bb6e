"""The document's own checklists, ticked from what was found: proven, failed, or left to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reports.verdicts import Finding, Verdict


class State(StrEnum):
    PROVEN = "proven"
    FAILED = "failed"
    UNVERIFIED = "not verified"  # nothing here looked, or nothing could be seen: a person has to


@dataclass(frozen=True)
class Checklist:
    """One checklist of the document. Under each heading: a line's id, which findings name, and its text as written."""

    title: str
    source: str
    sections: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class TickedLine:
    id: str
    text: str
    state: State
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Ticked:
    """A checklist after the run."""

    checklist: Checklist
    sections: Mapping[str, tuple[TickedLine, ...]]

    @property
    def counts(self) -> dict[State, int]:
        lines = [line for section in self.sections.values() for line in section]
        return {state: sum(line.state is state for line in lines) for state in State}


def tick(checklist: Checklist, findings: Sequence[Finding]) -> Ticked:
    """Every line with the findings that name its id."""
    return Ticked(
        checklist,
        {
            heading: tuple(_line(key, text, findings) for key, text in lines.items())
            for heading, lines in checklist.sections.items()
        },
    )


def _line(key: str, text: str, findings: Sequence[Finding]) -> TickedLine:
    answers = tuple(one for one in findings if key in one.checklist)
    return TickedLine(key, text, _state(answers), answers)


def _state(findings: Sequence[Finding]) -> State:
    """Must-objectives decide where there are any; one that failed fails the line, one that is unsure leaves it open."""
    decisive = [one for one in findings if one.must] or list(findings)
    if any(one.verdict is Verdict.FAIL and not one.absent for one in decisive):
        return State.FAILED
    if decisive and all(one.verdict is Verdict.PASS and not one.absent for one in decisive):
        return State.PROVEN
    return State.UNVERIFIED
