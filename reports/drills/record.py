"""One drill as it was held: steps against their budgets, what was measured and lost, what is to be done. Pure data."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.verdicts import Verdict

VERSION = 1


class BrokenRecord(ValueError):
    """A file among the records that is none: it may hide that a drill was never held."""


@dataclass(frozen=True)
class StepDone:
    """A step, and what became of it. `said` is its proof, the person's answer, or why it failed."""

    name: str
    title: str
    by: str
    owner: str
    at_s: float
    took_s: float
    budget_s: float | None
    verdict: Verdict
    said: str


@dataclass(frozen=True)
class Judged:
    """A figure against its target, or a check: RTO, RPO, integrity, what a restore lacks."""

    name: str
    title: str
    bound: str
    value: float | None
    unit: str
    samples: int
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Moment:
    """Something that happened, for the drill's timeline."""

    at_s: float
    what: str


@dataclass(frozen=True)
class DrillRecord:
    """`losses` and `evidence` are in words. Times are unix seconds."""

    id: str
    drill: str
    title: str
    source: str
    target: str
    environment: str
    began_s: float
    ended_s: float
    steps: tuple[StepDone, ...]
    figures: tuple[Judged, ...]
    moments: tuple[Moment, ...] = ()
    losses: tuple[str, ...] = ()
    evidence: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cut_short: str = ""  # by what
    left_behind: tuple[str, ...] = ()  # in what the environment is not as it was found

    @property
    def verdict(self) -> Verdict:
        """The worst of everything. A drill that was cut short, or judged nothing, practised nothing."""
        if self.left_behind:
            return Verdict.FAIL
        verdicts = [*(one.verdict for one in self.steps), *(one.verdict for one in self.figures)]
        if self.cut_short or not self.steps or not self.figures:
            verdicts.append(Verdict.UNKNOWN)
        return Verdict.worst(verdicts)

    @property
    def follow_ups(self) -> tuple[str, ...]:
        """What somebody has to do, each with whose it is where that is known."""
        steps = [
            f"{one.title}: {one.said}{f' ({one.owner})' if one.owner else ''}"
            for one in self.steps
            if one.verdict is not Verdict.PASS
        ]
        figures = [f"{one.title}: {one.reason}" for one in self.figures if one.verdict is not Verdict.PASS]
        left = [f"put right what the drill left behind: {one}" for one in self.left_behind]
        return (
            *left,
            *steps,
            *figures,
            *([f"hold it again: cut short by {self.cut_short}"] if self.cut_short else []),
        )


def to_json(record: DrillRecord) -> str:
    told = {
        "version": VERSION,
        **dataclasses.asdict(record),
        "verdict": record.verdict,
        "follow_ups": record.follow_ups,
    }
    return json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read(path: Path) -> DrillRecord:
    """Raises BrokenRecord."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if told.pop("version") != VERSION:
            raise BrokenRecord(f"{path} is of another version than {VERSION}")
        stated, _ = Verdict(told.pop("verdict")), told.pop("follow_ups")
        told["steps"] = tuple(
            StepDone(**{**one, "verdict": Verdict(one["verdict"])}) for one in told["steps"]
        )
        told["figures"] = tuple(
            Judged(**{**one, "verdict": Verdict(one["verdict"])}) for one in told["figures"]
        )
        told["moments"] = tuple(Moment(**one) for one in told["moments"])
        told["losses"], told["left_behind"] = tuple(told["losses"]), tuple(told["left_behind"])
        record = DrillRecord(**told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, BrokenRecord):
            raise
        raise BrokenRecord(f"{path} is no record of a drill: {error!r}") from error
    if record.verdict is not stated:
        raise BrokenRecord(f"{path} says {stated}, and what it holds says {record.verdict}")
    if not (math.isfinite(record.began_s) and record.began_s <= record.ended_s):
        raise BrokenRecord(f"{path} ends before it begins")
    return record
