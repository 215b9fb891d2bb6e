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
class Line:
    """One line, as the document writes it."""

    id: str  # what findings name
    text: str
    open: str  # why it is not verified where no finding answers it, e.g. "for a person"


@dataclass(frozen=True)
class Checklist:
    """One checklist of the document, its lines under their headings."""

    title: str
    source: str
    sections: Mapping[str, tuple[Line, ...]]


@dataclass(frozen=True)
class TickedLine:
    line: Line
    state: State
    findings: tuple[Finding, ...]

    @property
    def why(self) -> str:
        """Why it is not ticked; empty where it is."""
        if not self.findings:
            return self.line.open
        open_ = [one for one in self.findings if not _proves(one)]
        failed_first = sorted(open_, key=lambda one: bool(one.absent) or one.verdict is not Verdict.FAIL)
        return next((one.absent or one.reason for one in failed_first), "")


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
            heading: tuple(_ticked(line, findings) for line in lines)
            for heading, lines in checklist.sections.items()
        },
    )


def _ticked(line: Line, findings: Sequence[Finding]) -> TickedLine:
    answers = tuple(one for one in findings if line.id in one.checklist)
    return TickedLine(line, _state(answers), answers)


def _state(findings: Sequence[Finding]) -> State:
    """Must-objectives decide where there are any; one that failed fails the line, one that is unsure leaves it open."""
    decisive = [one for one in findings if one.must] or list(findings)
    if any(one.verdict is Verdict.FAIL and not one.absent for one in decisive):
        return State.FAILED
    return State.PROVEN if decisive and all(map(_proves, decisive)) else State.UNVERIFIED


def _proves(finding: Finding) -> bool:
    return finding.verdict is Verdict.PASS and not finding.absent
