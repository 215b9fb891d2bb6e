"""Every sample of a run in memory, read from its processes' records; exact quantiles and counts of any part of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.baseline.histogram import SUB_BITS, Histogram
from scenarios.load.records import LONGEST_US, SIZE, Names, Outcome, names_path
from scenarios.load.view import Second

LAYOUT = np.dtype(
    [
        ("due_ns", "<i8"),
        ("late_us", "<u4"),
        ("latency_us", "<u4"),
        ("size", "<u4"),
        ("status", "<u2"),
        ("endpoint", "u1"),
        ("mark", "u1"),
    ]
)
CHUNK = 1 << 19  # records read at once: 12 MB
LONGEST_S = LONGEST_US / 1e3  # the last moment that `due_ms` can name
Column = NDArray[Any]


@dataclass(frozen=True)
class Group:
    """Where the samples of one endpoint and one side that was asked for lie: from `begin` to before `end`."""

    endpoint: int
    asked: int
    begin: int
    end: int


@dataclass(frozen=True)
class Samples:
    """Columns of equal length, group by group, so that a group is a slice and not a copy.

    `due_ms` counts from the run's zero. Steps of the scenario's own come last, so that the requests are a slice too.
    """

    names: Names
    groups: tuple[Group, ...]
    due_ms: Column  # uint32
    latency_us: Column  # uint32
    mark: Column  # uint8

    # --- reading -----------------------------------------------------------------------------------------------------
    @classmethod
    def read(cls, files: Sequence[Path]) -> Samples:
        """All processes' records as one. Each process numbers endpoints and sides as it meets them; here they agree."""
        names = Names()
        tables = [_translation(Names.read(names_path(path)), names) for path in files]
        counts: dict[tuple[bool, int, int], int] = {}
        for path, table in zip(files, tables, strict=True):
            for endpoint, marks in _chunks(path, table):
                seen = np.bincount(endpoint.astype(np.intp) << 2 | (marks >> 3) & 3)
                for key in np.flatnonzero(seen):
                    place = _order(names, int(key) >> 2, int(key) & 3)
                    counts[place] = counts.get(place, 0) + int(seen[key])
        groups, at = [], 0
        for place in sorted(counts):
            groups.append(Group(place[1], place[2], at, at + counts[place]))
            at += counts[place]
        made = cls(
            names, tuple(groups), np.empty(at, np.uint32), np.empty(at, np.uint32), np.empty(at, np.uint8)
        )
        filled = {(one.endpoint, one.asked): one.begin for one in groups}
        for path, table in zip(files, tables, strict=True):
            made._fill(path, table, filled)
        return made

    def _fill(self, path: Path, table: tuple[Column, Column], filled: dict[tuple[int, int], int]) -> None:
        with path.open("rb") as file:
            for endpoint, marks in _chunks(path, table):
                rows = np.fromfile(file, LAYOUT, len(marks))
                due_ms = np.maximum(rows["due_ns"], 0) // 1_000_000
                for (number, asked), begin in filled.items():
                    mine = (endpoint == number) & ((marks >> 3) & 3 == asked)
                    end = begin + int(np.count_nonzero(mine))
                    self.due_ms[begin:end] = due_ms[mine]
                    self.latency_us[begin:end] = rows["latency_us"][mine]
                    self.mark[begin:end] = marks[mine]
                    filled[number, asked] = end

    # --- parts of it -------------------------------------------------------------------------------------------------
    def of(
        self, endpoint: str = "", asked: str = "", between_s: tuple[float, float] | None = None
    ) -> Samples:
        number, side = self.names.endpoints.get(endpoint, -1), self.names.asked.get(asked, -1)
        part = self._only([one for one in self.groups if (not endpoint or one.endpoint == number)
                           and (not asked or one.asked == side)])  # fmt: skip
        return part if between_s is None else part._between(*between_s)

    def requests_only(self) -> Samples:
        steps = {number for name, number in self.names.endpoints.items() if name in self.names.steps}
        return self._only([one for one in self.groups if one.endpoint not in steps])

    def _only(self, groups: list[Group]) -> Samples:
        if len(groups) == len(self.groups):
            return self
        spans = [slice(one.begin, one.end) for one in groups]
        if not groups or all(one.end == after.begin for one, after in pairwise(groups)):
            spans = [slice(groups[0].begin, groups[-1].end)] if groups else [slice(0, 0)]
            columns = [column[spans[0]] for column in self._columns]
        else:
            columns = [np.concatenate([column[span] for span in spans]) for column in self._columns]
        return Samples(self.names, _closed_up(groups, [one.end - one.begin for one in groups]), *columns)

    def _between(self, first_s: float, last_s: float) -> Samples:
        first, last = (min(max(0.0, edge), LONGEST_S) * 1000 for edge in (first_s, last_s))
        keep = (self.due_ms >= first) & (self.due_ms < last)
        lengths = [int(np.count_nonzero(keep[one.begin : one.end])) for one in self.groups]
        return Samples(
            self.names, _closed_up(self.groups, lengths), *(column[keep] for column in self._columns)
        )

    @property
    def _columns(self) -> tuple[Column, Column, Column]:
        return self.due_ms, self.latency_us, self.mark

    # --- figures -----------------------------------------------------------------------------------------------------
    @property
    def endpoints(self) -> list[str]:
        seen = {one.endpoint for one in self.groups if one.end > one.begin}
        return sorted(name for name, number in self.names.endpoints.items() if number in seen)

    @property
    def asked_sides(self) -> list[str]:
        seen = {one.asked for one in self.groups if one.end > one.begin}
        return [name for name, number in self.names.asked.items() if number in seen]

    @property
    def count(self) -> int:
        return len(self.mark)

    @cached_property
    def _marks(self) -> Column:
        """How often each of the 256 marks occurs; in chunks, because numpy counts in 64 bits."""
        seen = np.zeros(256, np.int64)
        for first in range(0, len(self.mark), CHUNK):
            seen += np.bincount(self.mark[first : first + CHUNK], minlength=256)
        return seen

    def outcomes(self) -> dict[Outcome, int]:
        return {outcome: int(self._marks[outcome::8].sum()) for outcome in Outcome}

    @property
    def failed(self) -> int:
        return self.count - self.outcomes()[Outcome.OK]

    @property
    def silent(self) -> int:
        return self.count - self.answered

    @property
    def answered(self) -> int:
        return sum(seen for outcome, seen in self.outcomes().items() if outcome <= Outcome.REFUSED)

    @property
    def errors(self) -> int:
        return self.outcomes()[Outcome.ERROR]

    @property
    def dropped(self) -> int:
        outcomes = self.outcomes()
        return outcomes[Outcome.DROPPED] + outcomes[Outcome.BROKEN]

    @property
    def answered_us(self) -> Column:
        """Latencies of those that were answered."""
        if self.answered == self.count:
            return self.latency_us
        return self.latency_us[(self.mark & 7) <= Outcome.REFUSED]

    @property
    def waited_us(self) -> Column:
        """Latencies of all, as floats: infinite where nobody answered."""
        return np.where((self.mark & 7) <= Outcome.REFUSED, self.latency_us.astype(float), np.inf)

    def slower(self, than_us: int) -> int:
        return int(np.count_nonzero(self.answered_us > than_us))

    def failed_or_slower(self, than_us: int) -> int:
        return int(np.count_nonzero((self.latency_us > than_us) | ((self.mark & 7) != Outcome.OK)))

    def quantile(self, share: float) -> float | None:
        return self.quantiles(share)[0]

    def quantiles(self, *shares: float) -> list[float | None]:
        return quantiles(self.answered_us, shares, self.count)

    def served(self) -> dict[str, int]:
        answered = self._marks.reshape(8, 4, 8)[:, :, : Outcome.REFUSED + 1].sum(axis=(1, 2))
        return {name: int(answered[number]) for name, number in self.names.served.items() if answered[number]}

    def histogram(self) -> Histogram:
        return histogram(self.answered_us)

    def seconds(self) -> list[Second]:
        """Every second from the first to the last in which something was due."""
        if not self.count:
            return []
        # One sort puts the seconds in order and, within each, the latencies; the unanswered come last in theirs.
        keys = np.empty(self.count, np.uint64)
        for first in range(0, self.count, CHUNK):
            due_ms, latency_us, marks = (column[first : first + CHUNK] for column in self._columns)
            silent = ((marks & 7) > Outcome.REFUSED).astype(np.uint64)
            keys[first : first + CHUNK] = (due_ms // 1000).astype(np.uint64) << 33 | silent << 32 | latency_us
        keys.sort()
        last = int(keys[-1] >> np.uint64(33))
        edges = np.searchsorted(keys, np.arange(last + 2, dtype=np.uint64) << np.uint64(33))
        failed = np.bincount(self.due_ms[(self.mark & 7) != Outcome.OK] // 1000, minlength=last + 1)
        made = []
        for at in range(last + 1):
            part = keys[edges[at] : edges[at + 1]]
            p50, p95 = (_at_rank(part, share) for share in (0.5, 0.95))
            made.append(Second(at, len(part), int(failed[at]), p50, p95))
        return made


def _at_rank(keys: Column, share: float) -> float | None:
    """Of one second's sorted keys, the latency of that quantile in seconds."""
    if not len(keys):
        return None
    key = int(keys[_rank(share, len(keys))])
    return math.inf if key >> 32 & 1 else (key & 0xFFFFFFFF) / 1e6


def _rank(share: float, count: int) -> int:
    return max(1, math.ceil(round(share * count, 6))) - 1


def _order(names: Names, endpoint: int, asked: int) -> tuple[bool, int, int]:
    """Steps last."""
    steps = {number for name, number in names.endpoints.items() if name in names.steps}
    return endpoint in steps, endpoint, asked


def _closed_up(groups: Sequence[Group], lengths: Sequence[int]) -> tuple[Group, ...]:
    """The groups with these lengths, one after the other from zero."""
    ends = list(accumulate(lengths))
    return tuple(
        dataclasses.replace(one, begin=end - length, end=end)
        for one, length, end in zip(groups, lengths, ends, strict=True)
    )


def _chunks(path: Path, table: tuple[Column, Column]) -> Iterator[tuple[Column, Column]]:
    """Endpoints and marks of a file's records, in the run's numbers, some at a time."""
    endpoint, marks = table
    left = path.stat().st_size // SIZE
    with path.open("rb") as file:
        while left:
            rows = np.fromfile(file, LAYOUT, min(left, CHUNK))
            left -= len(rows)
            yield endpoint[rows["endpoint"]], marks[rows["mark"]]


def quantiles(answered_us: Column, shares: Sequence[float], count: int) -> list[float | None]:
    """Exact quantiles in seconds: the sample of rank ceil(share·count). The unanswered rank last, at infinity."""
    if not count:
        return [None] * len(shares)
    ranks = [_rank(share, count) for share in shares]
    within = sorted({rank for rank in ranks if rank < len(answered_us)})
    parted = np.partition(answered_us, within) if within else answered_us
    return [float(parted[rank]) / 1e6 if rank < len(answered_us) else math.inf for rank in ranks]


def histogram(values_us: Column) -> Histogram:
    """The same buckets as Histogram.add, for a whole column."""
    counts = np.zeros((33 << SUB_BITS) + (2 << SUB_BITS), np.int64)
    for first in range(0, len(values_us), CHUNK):
        values = values_us[first : first + CHUNK].astype(np.int64)
        shift = np.maximum(
            np.frexp(values)[1] - SUB_BITS - 1, 0
        )  # frexp's exponent is a whole number's bit length
        index = np.where(shift > 0, (shift << SUB_BITS) + (values >> shift), values)
        counts += np.bincount(index, minlength=len(counts))
    return Histogram({int(index): int(counts[index]) for index in np.flatnonzero(counts)})


def _translation(theirs: Names, ours: Names) -> tuple[Column, Column]:
    """Tables from one process's endpoint numbers and marks to the run's."""
    endpoint = np.zeros(256, np.uint8)
    for name, number in theirs.endpoints.items():
        endpoint[number] = ours.endpoint(name, name in theirs.steps)
    asked = {number: ours.asked_side(name) for name, number in theirs.asked.items()}
    served = {number: ours.served_side(name) for name, number in theirs.served.items()}
    marks = [
        (value & 7) | asked.get((value >> 3) & 3, 0) << 3 | served.get(value >> 5, 0) << 5
        for value in range(256)
    ]
    return endpoint, np.array(marks, np.uint8)
