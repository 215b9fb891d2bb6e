"""The document's own checklists, ticked from what was found: proven, failed, or left to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reports.verdicts import Finding, Verdict

SHOWN = 4  # names of what is missing that a line has room for


class State(StrEnum):
    PROVEN = "proven"
    FAILED = "failed"
    UNVERIFIED = "not verified"  # nothing here looked, or nothing could be seen: a person has to


@dataclass(frozen=True)
class Line:
    """One line, as the document writes it."""

    id: str  # what findings name
    text: str
    open: str  # why no finding answers it, where that is known, e.g. "for a person"
    by: tuple[str, ...] = ()  # names of everything that has to pass for it; none where nothing proves it
    note: str = ""  # what a tick does not mean, e.g. "of the backups only"


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
    def missing(self) -> tuple[str, ...]:
        """Names of what has to prove it and was not looked at."""
        found = {one.name for one in self.findings}
        return tuple(name for name in self.line.by if name not in found)

    @property
    def why(self) -> str:
        """Why it is not ticked; empty where it is."""
        if self.state is State.FAILED:
            return next(one.reason for one in self.findings if _fails(one))
        open_ = next((one.absent or one.reason for one in self.findings if not _proves(one)), "")
        unseen = f"not looked at in this run: {_listed(self.missing)}" if self.missing else ""
        nobody = "" if self.findings else self.line.open
        return "; ".join(filter(None, (open_, unseen, nobody)))


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
    ticked = TickedLine(line, State.UNVERIFIED, answers)
    if any(map(_fails, answers)):
        return replace(ticked, state=State.FAILED)
    whole = answers and not ticked.missing and all(map(_proves, answers))
    return replace(ticked, state=State.PROVEN) if whole else ticked


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _fails(finding: Finding) -> bool:
    return finding.verdict is Verdict.FAIL and not finding.absent


def _proves(finding: Finding) -> bool:
    return finding.verdict is Verdict.PASS and not finding.absent
