"""What a release leaves behind, as plain frozen data: release.json in the run's folder, and what the page is made of.

Moments are unix seconds, weights and shares are shares (0.05), budgets and times taken are seconds. What was not seen
is None or empty, never zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

SIDES = ("green", "blue")
NAME = "release.json"


@dataclass(frozen=True)
class Weight:
    """From when on green was to get that share, and who said so: us, or the pipeline that is only watched."""

    at_s: float
    green: float
    by: str = "release"  # release, pipeline, rollback, restore, or who interfered


@dataclass(frozen=True)
class Traffic:
    """One bin of the timeline: who answered the probes due in it. `by_side` has "" for whoever did not say."""

    from_s: float
    to_s: float
    by_side: dict[str, int]
    failed: int
    p95_s: float | None = None


@dataclass(frozen=True)
class Split:
    """The observed split of probes held against the configured weight."""

    weight: float
    answers: int
    green: int
    low: float  # exact limits of green's share
    high: float
    holds: bool
    said: str


@dataclass(frozen=True)
class Point:
    """Answers of one metric since its stage began: of each side, all and the bad ones."""

    at_s: float
    green: float
    green_bad: float
    blue: float
    blue_bad: float


@dataclass(frozen=True)
class Metric:
    """One metric over one stage. `bound`: the share of bad answers that green must be shown to stay below."""

    name: str
    title: str
    bad: str  # what a bad answer is, e.g. "slower than 2s"
    bound: float | None
    needed: int | None  # answers of green's that the claim needs
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """An e-value over time, as natural logarithms: rolled back as soon as one of `points` reaches `threshold`."""

    name: str  # "HTTP errors against blue", "HTTP errors < 1%"
    threshold: float
    points: tuple[tuple[float, float], ...] = ()  # (at_s, log e)


@dataclass(frozen=True)
class Decision:
    """`outcome`: promote, roll back, inconclusive. `by`: what decided: watch, trigger, condition, split, person, ..."""

    at_s: float
    outcome: str
    reasons: tuple[str, ...]
    by: str = "watch"


@dataclass(frozen=True)
class Condition:
    """An absolute bound or trigger as it was read: only the last reading, and the worst."""

    name: str
    title: str
    bound: str  # "cpu < 80%"
    source: str
    holds: bool | None  # None: could not be read
    value: float | None
    worst: float | None
    said: str
    for_s: float = 0.0  # how long it has to be broken to count
    query: str = ""
    unit: str = ""  # of the values


@dataclass(frozen=True)
class Stage:
    """One weight, watched. `written_s`: as the document writes it; `planned_s`: as it is paced here."""

    name: str  # "5%", "25%", "50%", "100%"
    weight: float
    written_s: float
    planned_s: float
    begun_s: float
    ended_s: float
    decision: Decision
    split: Split | None = None
    metrics: tuple[Metric, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    conditions: tuple[Condition, ...] = ()
    troubles: tuple[str, ...] = ()  # of what was read: resets, gaps, stale series
    topped_up_rps: float = 0.0  # requests a second that were sent to green beside its share
    queries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A step of a rollback or of the clean-up. `ok` None: not carried out."""

    name: str  # switch, verify, health, clean_up, confirm, reason, maintenance, redeploy, notify, backup, scale, ...
    title: str
    budget_s: float | None
    took_s: float | None
    ok: bool | None
    said: str = ""
    begun_s: float | None = None


@dataclass(frozen=True)
class Rollback:
    """`kind`: automatic, manual, emergency, rehearsal. `onset_s`: green's first bad answer that was counted;
    `last_green_s`: when green's last answer reached a user."""

    kind: str
    reason: str
    decided_s: float
    steps: tuple[Step, ...]
    budget_s: float
    took_s: float | None
    ok: bool
    source: str = ""
    onset_s: float | None = None
    last_green_s: float | None = None
    anyhow_s: float | None = None  # the principle's budget, from onset to the last bad answer


@dataclass(frozen=True)
class Downtime:
    """A stretch in which probes failed, and what went on then: "weight 5%", "rollback"."""

    from_s: float
    to_s: float
    failed: int
    during: str


@dataclass(frozen=True)
class Notification:
    """`delivered` None: nobody could tell."""

    at_s: float
    channel: str
    kind: str  # success, warning
    text: str
    delivered: bool | None
    why: str = ""
    took_s: float | None = None


@dataclass(frozen=True)
class Restored:
    """Whether everything stands as it was found, and what does not."""

    ok: bool
    said: str
    at_s: float


@dataclass(frozen=True)
class Release:
    """All of it. `outcome`: promote, roll back, inconclusive; `mode`: drive or observe."""

    system: str
    title: str
    environment: str
    pace: str
    mode: str
    begun_s: float
    ended_s: float
    outcome: str
    reasons: tuple[str, ...]
    stages: tuple[Stage, ...] = ()
    weights: tuple[Weight, ...] = ()
    traffic: tuple[Traffic, ...] = ()
    downtime: tuple[Downtime, ...] = ()
    blind: tuple[tuple[float, float], ...] = ()  # stretches in which the prober itself was held up
    probes: int = 0
    failed_probes: int = 0
    created: tuple[Step, ...] = ()  # how the new environment came to be
    cleaned: tuple[Step, ...] = ()  # what became of the old environment
    rollback: Rollback | None = None
    notifications: tuple[Notification, ...] = ()
    restored: Restored | None = None
    troubles: tuple[str, ...] = ()


_FORM = TypeAdapter(Release)


def write(release: Release, folder: Path) -> Path:
    path = folder / NAME
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_FORM.dump_json(release, indent=1) + b"\n")
    return path


def hidden(release: Release, redact: Callable[[str], str]) -> Release:
    """Without what must not be seen."""
    return _FORM.validate_python(_redacted(_FORM.dump_python(release), redact))


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _redacted(one, redact) for key, one in value.items()}
    return [_redacted(one, redact) for one in value] if isinstance(value, list | tuple) else value


def read(path: Path) -> Release:
    return _FORM.validate_json(path.read_bytes())
