"""Baselines: what a run measured, one JSON line each, appended and never changed, so that two branches' files merge.

Only runs that were valid and passed are kept, because anything else is no baseline.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.baseline.conditions import Conditions, fits
from reports.baseline.histogram import Histogram

FOLDER = Path("reports/baselines")
SCHEMA = 1
RUN, AGAINST_ITSELF = "run", "a/a"
MOST_POINTS = 120  # of a run's course that are kept


class NoBaseline(Exception):
    """A run that cannot become one, or a name under which there is none; the message says why."""


@dataclass(frozen=True)
class Distribution:
    """Latencies of one endpoint, or of all requests (""), on one side. Quantiles in seconds, exact where every sample
    was kept."""

    endpoint: str
    side: str
    count: int
    failed: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    histogram: Histogram


@dataclass(frozen=True)
class Point:
    """A stretch of the run: requests and failures per second, and latencies in seconds."""

    at_s: float
    rate_rps: float
    errors_rps: float
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True)
class Floor:
    """How far from 1 the ratios of p50 and p95 came, either way; None where there was too little to tell."""

    p50: float | None
    p95: float | None

    def __str__(self) -> str:
        seen = {"p50": self.p50, "p95": self.p95}
        return ", ".join(f"±{far - 1:.1%} for {name}" for name, far in seen.items() if far is not None)


@dataclass(frozen=True)
class Noise:
    """What the same code, held against itself, seems to differ by: by endpoint, and "" is all of them.

    Measured `in_turns` a request at a time it is small; measured `later`, one quarter of a run against another, it has
    in it what the machine did meanwhile. A comparison may only be held against the noise of its own kind.
    """

    in_turns: Mapping[str, Floor]
    later: Mapping[str, Floor]

    @classmethod
    def read(cls, plain: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Noise:
        return cls(
            **{kind: {name: Floor(**one) for name, one in found.items()} for kind, found in plain.items()}
        )


@dataclass(frozen=True)
class Kept:
    """One run as it is kept."""

    id: str
    at: float  # unix seconds
    verdict: str
    validity: str  # "valid", or why not
    duration_s: float
    conditions: Conditions
    distributions: tuple[Distribution, ...]
    course: tuple[Point, ...] = ()
    kind: str = RUN
    noise: Noise | None = None  # of a run of the same code against itself

    def of(self, endpoint: str, side: str = "") -> Distribution | None:
        """`side` empty: the only one, or the first."""
        found = (one for one in self.distributions if one.endpoint == endpoint and side in ("", one.side))
        return next(found, None)

    @property
    def endpoints(self) -> list[str]:
        return list(dict.fromkeys(one.endpoint for one in self.distributions))


@dataclass
class Baseline:
    """Everything that was kept under one name, oldest first."""

    name: str
    kept: list[Kept] = field(default_factory=list)

    @property
    def runs(self) -> list[Kept]:
        return [one for one in self.kept if one.kind == RUN]

    def noise(self, conditions: Conditions) -> Noise | None:
        """The latest noise floor that was measured under conditions that can be compared."""
        fit = (
            one for one in reversed(self.kept) if one.noise is not None and fits(one.conditions, conditions)
        )
        return next((one.noise for one in fit), None)

    def merge(self, other: Baseline) -> Baseline:
        """Both files' runs, each once, by time."""
        by_id = {one.id: one for one in (*self.kept, *other.kept)}
        return Baseline(self.name, sorted(by_id.values(), key=lambda one: (one.at, one.id)))


def merged(kept: Iterable[Kept], endpoint: str) -> Histogram:
    """One distribution of several runs."""
    together = Histogram()
    for one in kept:
        for part in one.distributions:
            if part.endpoint == endpoint:
                together.merge(part.histogram)
    return together


def path_of(name: str, folder: Path = FOLDER) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise NoBaseline(f"a baseline's name is letters, digits, dots and dashes, not {name!r}")
    return folder / f"{name}.jsonl"


def load(name: str, folder: Path = FOLDER) -> Baseline:
    """Raises NoBaseline where there is none of that name. Lines that two branches both brought count once."""
    path = path_of(name, folder)
    if not path.exists():
        known = sorted(one.stem for one in folder.glob("*.jsonl"))
        there = f"there are: {', '.join(known)}" if known else "there is none yet"
        raise NoBaseline(f"no baseline {name!r} in {folder}; {there} (--save-baseline {name} makes one)")
    return Baseline(name).merge(Baseline(name, list(_read(path))))


def append(name: str, kept: Kept, folder: Path = FOLDER) -> Path:
    """Adds a run. Raises NoBaseline where it was not valid, or did not pass, or is there already."""
    if kept.verdict != "PASS" or kept.validity != "valid":
        raise NoBaseline(
            f"only valid runs that pass become a baseline, and this one is {kept.verdict}, {kept.validity}"
        )
    path = path_of(name, folder)
    if path.exists() and any(one.id == kept.id for one in _read(path)):
        raise NoBaseline(f"run {kept.id} is in {path} already")
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(plain(kept), ensure_ascii=False, separators=(",", ":")) + "\n")
    return path


def plain(kept: Kept) -> dict[str, Any]:
    data = {"schema": SCHEMA, **dataclasses.asdict(kept)}
    for row, one in zip(data["distributions"], kept.distributions, strict=True):
        row["histogram"] = one.histogram.plain()["counts"]
    data["course"] = [_rounded(dataclasses.astuple(one)) for one in kept.course]
    return data


def read(data: dict[str, Any]) -> Kept:
    rest = {key: value for key, value in data.items() if key != "schema"}
    distributions = tuple(
        Distribution(**{**row, "histogram": Histogram.read({"counts": row["histogram"]})})
        for row in rest["distributions"]
    )
    return Kept(
        **{
            **rest,
            "conditions": Conditions(**rest["conditions"]),
            "distributions": distributions,
            "course": tuple(Point(*row) for row in rest["course"]),
            "noise": Noise.read(rest["noise"]) if rest["noise"] else None,
        }
    )


def _read(path: Path) -> Iterator[Kept]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        data = json.loads(line)
        if data.get("schema") != SCHEMA:
            raise NoBaseline(
                f"{path}:{number} has schema {data.get('schema')}, and {SCHEMA} is what this reads"
            )
        yield read(data)


def _rounded(row: tuple[float | None, ...]) -> list[float | None]:
    return [None if value is None else float(f"{value:.4g}") for value in row]
