"""What a run finds: verdicts, the measurements behind them, and findings. Pure data; every other room speaks it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """In order of how bad they are: the worst of several is the verdict on all."""

    PASS = "PASS"
    UNKNOWN = "UNKNOWN"  # no evidence, or too little
    INVALID = "INVALID"  # the experiment did not happen: the fault did not bite, the generator was late
    FAIL = "FAIL"

    @classmethod
    def worst(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """The worst of them; UNKNOWN of none, because no evidence is not success."""
        return max(verdicts, key=list(cls).index, default=cls.UNKNOWN)


@dataclass(frozen=True)
class Evidence:
    """Something a person can check the verdict against: a log tail, an event, a query and its answer."""

    title: str
    text: str
    kind: str = "text"  # text, log, event, query, table, image (a data: URL), file (in the run's folder)


@dataclass(frozen=True)
class Measurement:
    """What was seen of one indicator.

    `value` is None where nothing could be seen, and `why` says why; it is never zero for want of data. `samples` is how
    many observations stand behind it; `bad` how many of those broke the objective's bound, where the indicator counts.
    `confidence` is how sure their count must make one: more than 95% where a growing sample is looked at repeatedly.
    `young` says that nothing but how short a past there is to look back on stands in the way of a value.
    `slowest_s` is the time of the slowest of them in seconds, where each has to be in time. `invalid`, when set, says
    why the experiment did not happen.
    """

    value: float | None
    unit: str
    samples: int
    bad: int | None = None
    window: tuple[float, float] | None = None  # unix seconds
    why: str = ""
    invalid: str = ""
    evidence: tuple[Evidence, ...] = ()
    slowest_s: float | None = None
    confidence: float = 0.95
    young: bool = False


@dataclass(frozen=True)
class Finding:
    """One objective, what was measured of it, and the verdict, in a form that outlives the run."""

    name: str  # the objective's, unique in its target, e.g. "nodes_ready"
    title: str  # for people, as the document writes it
    stage: str  # preflight, smoke, e2e, load, release, chaos, drills
    bound: str  # as the profile writes it, e.g. "p95 < 2s"
    source: str  # the document's section, e.g. "§11.2"
    measurement: Measurement
    verdict: Verdict
    reason: str  # in words a person on call understands
    must: bool = True
    side: str = ""
    subject: str = ""  # what exactly was looked at, e.g. a service or an endpoint
    checklist: tuple[str, ...] = ()  # the document's checklist lines that this finding ticks
    absent: str = (
        ""  # why this cannot be verified here, where the environment declares it so; then it does not gate
    )
    test: str = ""  # pytest node id
    at: float = field(default_factory=time.time)

    @property
    def gates(self) -> bool:
        """Whether the run's verdict depends on it."""
        return self.must and not self.absent


def overall(findings: Iterable[Finding]) -> Verdict:
    """The run's verdict: the worst of the findings that gate."""
    return Verdict.worst(finding.verdict for finding in findings if finding.gates)
