"""From counters as monitoring gives them to counts per tick, each trouble on the way named. Pure, and without a clock.

A tick spans the same time on both sides: it ends when every known source (a pod) has been scraped again. A source that
fell silent holds the tick back, so nothing is lost and nothing is compared with another time's counts; when it stays
silent for longer than `patience_s`, the watch goes on without it, and says so.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import add
from typing import NamedTuple

from scenarios.release.watch import Counts

LASTING_TICKS = 5  # an attempt without a success is a bad one when it still is so many ticks later
UNEVEN = 10.0  # answers by which two counters may disagree for a moment: those between the one and the other
SIDES = ("green", "blue")
MOST_KINDS = 64  # of answers that a metric is counted by; more of them are one
OTHERS = "others"
ENOUGH_ALIKE = 20  # answers of both sides: fewer, compared, lose more than a twentieth of what they tell
LONGEST_HELD = 10  # ticks, for a kind that is asked for less often
BUCKET = "_bucket{"  # all of a histogram's are there from its first answer on
NOTHING = Counts(0.0, 0.0, 0.0, 0.0)


class Kind(StrEnum):
    """What can be wrong with what was read, in the words of the report."""

    RESET = "started again; what it counted after the last scrape before that is lost"
    APPEARED = "appeared, and is counted from here on"
    MISSING = "has no series"
    NO_BUCKET = "has no histogram bucket that ends at its bound: what is slower cannot be counted"
    STALE = "was not scraped"
    NAN = "has no number (NaN)"
    GONE = "stayed silent, and is no longer waited for"
    UNEVEN = "counted more bad answers than answers, or fewer than none"
    BACKWARDS = "was read at a moment not after the one before"


BLINDING = frozenset({Kind.MISSING, Kind.NO_BUCKET, Kind.STALE, Kind.NAN, Kind.GONE})


class Series(NamedTuple):
    """A time series: of which counter, on which side, from which source; `labels` tell answers of one kind."""

    counter: str
    side: str
    source: str
    labels: str = ""


class Point(NamedTuple):
    value: float
    at_s: float  # when it was scraped, unix seconds


@dataclass(frozen=True)
class Reading:
    """All that monitoring had at one moment. `started`: when a (side, source)'s process began, where that is known."""

    at_s: float
    series: Mapping[Series, Point]
    started: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Counter:
    """A metric's answers and its bad ones, as sums of counters with their signs."""

    name: str
    of: Mapping[str, float]
    bad: Mapping[str, float]
    in_flight: bool = False  # bad ones are attempts less successes: what is still under way looks like one
    by: tuple[str, ...] = ()  # labels by which answers are of one kind


@dataclass(frozen=True)
class Trouble:
    kind: Kind
    side: str
    subject: str  # a source, or a metric
    at_s: float

    def __str__(self) -> str:
        return f"{self.subject}{f' on {self.side}' if self.side else ''} {self.kind}"


@dataclass(frozen=True)
class Step:
    """What a reading brought: the Counts of every metric, or None until the tick is whole; and what was wrong.
    `alike`: each metric's once more, those of each kind of answers apart."""

    at_s: float
    counts: tuple[Counts, ...] | None
    troubles: tuple[Trouble, ...] = ()
    alike: tuple[tuple[Counts, ...], ...] = ()


@dataclass
class _Source:
    """A source as it was last counted."""

    at_s: float
    values: dict[Series, float]
    started_s: float | None
    is_counted: bool  # scraped again since the last tick


class Increments:
    """Folds readings into ticks. `stale_s`: how old a sample may be; `patience_s`: how long a tick is held back."""

    def __init__(self, counters: Sequence[Counter], stale_s: float, patience_s: float) -> None:
        self._counters = tuple(counters)
        self._stale_s, self._patience_s = stale_s, patience_s
        self._sources: dict[tuple[str, str], _Source] = {}
        self._kinds: list[dict[str, _Kind]] = [{} for _ in self._counters]
        self._uses: dict[
            str, list[tuple[int, int, float]]
        ] = {}  # counter -> metric, answers or bad ones, sign
        for at, counter in enumerate(self._counters):
            for kind, terms in enumerate((counter.of, counter.bad)):
                for name, sign in terms.items():
                    self._uses.setdefault(name, []).append((at, kind, sign))
        self._read_s = self._ticked_s = -math.inf

    def take(self, reading: Reading) -> Step:
        """The first reading is where counting begins, and brings no counts."""
        if reading.at_s <= self._read_s:
            return Step(reading.at_s, None, (Trouble(Kind.BACKWARDS, "", "monitoring", reading.at_s),))
        is_first = math.isinf(self._read_s)
        self._read_s = reading.at_s
        found = _by_source(reading)
        troubles = [*self._missing(reading)]
        for key in sorted(self._sources.keys() | found.keys()):
            troubles += self._follow(key, found.get(key, {}), reading, is_first)
        if is_first:
            self._ticked_s = reading.at_s
            return Step(reading.at_s, None, tuple(troubles))
        if not self._sources or not all(source.is_counted for source in self._sources.values()):
            return Step(reading.at_s, None, tuple(troubles))
        return self._tick(reading.at_s, troubles)

    def _missing(self, reading: Reading) -> Iterator[Trouble]:
        """Metrics of which a side counts nothing at all, or not what is fast enough: all of it would seem slow."""
        there = {(series.counter, series.side) for series in reading.series}
        for counter in self._counters:
            buckets = [name for name, sign in counter.bad.items() if sign < 0 and BUCKET in name]
            for side in SIDES:
                if not any((name, side) in there for name in counter.of):
                    yield Trouble(Kind.MISSING, side, counter.name, reading.at_s)
                elif not all((name, side) in there for name in buckets):
                    yield Trouble(Kind.NO_BUCKET, side, counter.name, reading.at_s)

    def _follow(
        self, key: tuple[str, str], points: Mapping[Series, Point], reading: Reading, is_first: bool
    ) -> list[Trouble]:
        """Add what the source has counted since it was last scraped; say what is wrong with it."""
        source = self._sources.get(key)
        newest_s = max((point.at_s for point in points.values()), default=-math.inf)
        kind = self._silence(points, newest_s, reading.at_s)
        if source is None:
            return (
                self._meet(key, points, reading, is_first) if kind is None else [_trouble(kind, key, reading)]
            )
        if kind is not None:
            if reading.at_s - source.at_s <= self._patience_s:
                return [_trouble(kind, key, reading)]
            del self._sources[key]
            return [_trouble(kind, key, reading), _trouble(Kind.GONE, key, reading)]
        if newest_s <= source.at_s:
            return []
        return self._count(key, source, points, reading)

    def _silence(self, points: Mapping[Series, Point], newest_s: float, now_s: float) -> Kind | None:
        if not points:
            return Kind.MISSING
        if not all(math.isfinite(point.value) for point in points.values()):
            return Kind.NAN
        return Kind.STALE if now_s - newest_s > self._stale_s else None

    def _meet(
        self, key: tuple[str, str], points: Mapping[Series, Point], reading: Reading, is_first: bool
    ) -> list[Trouble]:
        """A source that is new here: counted from now on, and from its beginning where it began within this tick."""
        started_s = reading.started.get(key)
        newest_s = max(point.at_s for point in points.values())
        source = self._sources[key] = _Source(newest_s, {}, started_s, is_counted=not is_first)
        if is_first:
            source.values = {series: point.value for series, point in points.items()}
            return []
        if started_s is not None and started_s > self._ticked_s:
            self._add(key[1], source, points)
        else:
            source.values = {series: point.value for series, point in points.items()}
        return [_trouble(Kind.APPEARED, key, reading)]

    def _count(
        self, key: tuple[str, str], source: _Source, points: Mapping[Series, Point], reading: Reading
    ) -> list[Trouble]:
        started_s = reading.started.get(key)
        fell = any(point.value < source.values.get(series, 0.0) for series, point in points.items())
        is_new = started_s is not None and source.started_s is not None and started_s > source.started_s + 1
        if fell or is_new:
            source.values = {}
        source.started_s = started_s if started_s is not None else source.started_s
        self._add(key[1], source, points)
        return [_trouble(Kind.RESET, key, reading)] if fell or is_new else []

    def _add(self, name: str, source: _Source, points: Mapping[Series, Point]) -> None:
        """A series that a known source did not have before began at 0: its label was never used until now."""
        for series, point in points.items():
            grown = point.value - source.values.get(series, 0.0)
            source.values[series] = point.value
            for at, part, sign in self._uses.get(series.counter, ()):
                kinds = self._kinds[at]
                kind = series.labels if series.labels in kinds or len(kinds) < MOST_KINDS else OTHERS
                kinds.setdefault(kind, _Kind()).sums[series.side].add(name, part, sign * grown)
        source.at_s = max(point.at_s for point in points.values())
        source.is_counted = True

    def _tick(self, at_s: float, troubles: list[Trouble]) -> Step:
        self._ticked_s = at_s
        for source in self._sources.values():
            source.is_counted = False
        totals, alike = [], []
        unknown = {one.subject for one in troubles if one.kind is Kind.NO_BUCKET}
        for counter, kinds in zip(self._counters, self._kinds, strict=True):
            total, compared = NOTHING, []
            for kind in kinds.values():
                row = kind.taken(counter.in_flight)
                total = _added(total, row)
                compared.append(kind.compared(row) if counter.by else row)
                uneven = [side for side in SIDES if kind.sums[side].left(counter.in_flight) > UNEVEN]
                troubles += [Trouble(Kind.UNEVEN, side, counter.name, at_s) for side in uneven]
            if counter.name in unknown:
                total, compared = NOTHING, []
            totals.append(total)
            alike.append(tuple(compared) or (NOTHING,))
        return Step(at_s, tuple(totals), tuple(troubles), tuple(alike))


@dataclass
class _Kind:
    """Answers of one kind. `held`: those that were too few as yet to be compared, side by side, in so many ticks: of
    one answer alone nobody could say that the other side would have given it too."""

    sums: dict[str, _Sum] = field(default_factory=lambda: {side: _Sum() for side in SIDES})
    held: Counts = NOTHING
    ticks: int = 0

    def taken(self, in_flight: bool) -> Counts:
        return Counts(*(n for side in SIDES for n in self.sums[side].taken(in_flight)))

    def compared(self, row: Counts) -> Counts:
        """When it is time is told by how many answers there are, never by how they are."""
        self.held, self.ticks = _added(self.held, row), self.ticks + 1
        if self.held.green + self.held.blue < ENOUGH_ALIKE and self.ticks < LONGEST_HELD:
            return NOTHING
        found, self.held, self.ticks = self.held, NOTHING, 0
        return found


def _added(one: Counts, other: Counts) -> Counts:
    return Counts(*map(add, one, other))


@dataclass
class _Sum:
    """Answers of one kind of one side's, and the bad ones, that no tick has taken yet."""

    parts: list[float] = field(default_factory=lambda: [0.0, 0.0])
    lacking: dict[str, _Lacking] = field(default_factory=dict)
    told: float = 0.0  # of those that lacked a success for so long, how many were taken

    def add(self, source: str, part: int, count: float) -> None:
        self.parts[part] += count
        if part:
            self.lacking.setdefault(source, _Lacking()).now += count

    def taken(self, in_flight: bool) -> tuple[float, float]:
        """What is whole by now. Counters are not read in one instant: what does not fit belongs to the next tick."""
        n = max(0.0, self.parts[0])
        bad = min(n, self._lasting() if in_flight else max(0.0, self.parts[1]))
        self.parts = [self.parts[0] - n, self.parts[1] - bad]
        self.told += bad
        return n, bad

    def left(self, in_flight: bool) -> float:
        return max(abs(self.parts[0]), 0.0 if in_flight else abs(self.parts[1]))

    def _lasting(self) -> float:
        """How many attempts lack a success for so many ticks. Of each source by itself: one that is always busy with
        something is never seen without, however well it does, and among many one nearly always is."""
        return max(0.0, sum(one.lasting() for one in self.lacking.values()) - self.told)


@dataclass
class _Lacking:
    """A source's attempts without a success as yet: now, and in the last ticks."""

    now: float = 0.0
    ticks: deque[float] = field(
        default_factory=lambda: deque([0.0] * (LASTING_TICKS - 1), maxlen=LASTING_TICKS)
    )

    def lasting(self) -> float:
        self.ticks.append(self.now)
        return min(self.ticks)


@dataclass
class _Note:
    """A trouble as it was seen so far. `since_s`: when the stretch began in which it was seen at every reading."""

    first_s: float
    since_s: float
    times: int = 0
    longest_s: float = 0.0


class Noted:
    """Every trouble of a watch, once each, with how often it was seen and for how long on end."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Kind, str, str], _Note] = {}
        self._now: set[tuple[Kind, str, str]] = set()

    def add(self, troubles: Iterable[Trouble]) -> None:
        """Those of one reading, also where there are none: then what was going on has ended."""
        before, self._now = self._now, set()
        for one in troubles:
            key = (one.kind, one.side, one.subject)
            note = self._seen.setdefault(key, _Note(one.at_s, one.at_s))
            if key not in before and key not in self._now:
                note.since_s = one.at_s
            note.times += 1
            note.longest_s = max(note.longest_s, one.at_s - note.since_s)
            self._now.add(key)

    def lines(self) -> list[str]:
        return [_line(key, note) for key, note in self._seen.items()]

    def blind(self, longer_than_s: float) -> list[str]:
        """What keeps a watch from being whole: sources given up, and silences that lasted longer than that."""
        return [
            _line(key, note)
            for key, note in self._seen.items()
            if key[0] is Kind.GONE or (key[0] in BLINDING and note.longest_s > longer_than_s)
        ]


def _line(key: tuple[Kind, str, str], note: _Note) -> str:
    lasted = f", for {note.longest_s:.0f} s" if note.longest_s > 0 else ""
    often = f" ({note.times} times{lasted})" if note.times > 1 else ""
    return f"{Trouble(*key, at_s=note.first_s)}{often}"


def _trouble(kind: Kind, key: tuple[str, str], reading: Reading) -> Trouble:
    return Trouble(kind, key[0], key[1], reading.at_s)


def _by_source(reading: Reading) -> dict[tuple[str, str], dict[Series, Point]]:
    found: dict[tuple[str, str], dict[Series, Point]] = {}
    for series, point in reading.series.items():
        if series.side in SIDES:
            found.setdefault((series.side, series.source), {})[series] = point
    return found
