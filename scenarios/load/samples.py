"""Every sample of a run in memory, read from its processes' records; exact quantiles and counts of any part of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.baseline.histogram import SUB_BITS, Histogram
from scenarios.load.records import NO_SIDE, SIZE, Names, Outcome, names_path
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
Column = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Columns of equal length. `due_ms` counts from the run's zero; `names` numbers endpoints and sides for all."""

    names: Names
    due_ms: Column  # uint32
    latency_us: Column  # uint32
    endpoint: Column  # uint8
    mark: Column  # uint8

    # --- reading -----------------------------------------------------------------------------------------------------
    @classmethod
    def read(cls, files: Sequence[Path]) -> Samples:
        """All processes' records as one. Each process numbers endpoints and sides as it meets them; here they agree."""
        names = Names()
        whole = sum(path.stat().st_size // SIZE for path in files)
        made = cls(
            names,
            np.empty(whole, np.uint32),
            np.empty(whole, np.uint32),
            np.empty(whole, np.uint8),
            np.empty(whole, np.uint8),
        )
        at = 0
        for path in files:
            at = made._fill(path, at)
        return made

    def _fill(self, path: Path, at: int) -> int:
        endpoint, marks = _translation(Names.read(names_path(path)), self.names)
        with path.open("rb") as file:
            left = path.stat().st_size // SIZE
            while left:
                chunk = np.fromfile(file, LAYOUT, min(left, CHUNK))
                end = at + len(chunk)
                self.due_ms[at:end] = np.maximum(chunk["due_ns"], 0) // 1_000_000
                self.latency_us[at:end] = chunk["latency_us"]
                self.endpoint[at:end] = endpoint[chunk["endpoint"]]
                self.mark[at:end] = marks[chunk["mark"]]
                at, left = end, left - len(chunk)
        return at

    # --- parts of it -------------------------------------------------------------------------------------------------
    def of(
        self, endpoint: str = "", asked: str = "", between_s: tuple[float, float] | None = None
    ) -> Samples:
        keep = np.ones(len(self.mark), bool)
        if endpoint:
            keep &= self.endpoint == self.names.endpoints.get(endpoint, 255)
        if asked:
            keep &= (self.mark >> 3) & 3 == self.names.asked.get(asked, 4)
        if between_s is not None:
            first, last = (max(0.0, edge) * 1000 for edge in between_s)
            keep &= (self.due_ms >= first) & (self.due_ms < last)
        return self._where(keep)

    def requests_only(self) -> Samples:
        steps = [number for name, number in self.names.endpoints.items() if name in self.names.steps]
        return self._where(~np.isin(self.endpoint, np.array(steps, np.uint8))) if steps else self

    def _where(self, keep: Column) -> Samples:
        return Samples(
            self.names, self.due_ms[keep], self.latency_us[keep], self.endpoint[keep], self.mark[keep]
        )

    # --- figures -----------------------------------------------------------------------------------------------------
    @property
    def endpoints(self) -> list[str]:
        seen = np.bincount(self.endpoint, minlength=256)
        return sorted(name for name, number in self.names.endpoints.items() if seen[number])

    @property
    def asked_sides(self) -> list[str]:
        seen = np.bincount((self.mark >> 3) & 3, minlength=4)
        return [name for name, number in self.names.asked.items() if seen[number]]

    @property
    def count(self) -> int:
        return len(self.mark)

    def outcomes(self) -> dict[Outcome, int]:
        seen = np.bincount(self.mark & 7, minlength=8)
        return {outcome: int(seen[outcome]) for outcome in Outcome}

    @property
    def failed(self) -> int:
        return self.count - self.outcomes()[Outcome.OK]

    @property
    def silent(self) -> int:
        return self.count - self.answered

    @property
    def answered(self) -> int:
        return int(np.count_nonzero((self.mark & 7) <= Outcome.REFUSED))

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
        return self.latency_us[(self.mark & 7) <= Outcome.REFUSED]

    @property
    def waited_us(self) -> Column:
        """Latencies of all, as floats: infinite where nobody answered."""
        return np.where((self.mark & 7) <= Outcome.REFUSED, self.latency_us.astype(float), np.inf)

    def slower(self, than_us: int) -> int:
        return int(np.count_nonzero(self.answered_us > than_us))

    def quantile(self, share: float) -> float | None:
        return quantiles(self.answered_us, [share], self.count)[0]

    def served(self) -> dict[str, int]:
        answered = self.mark[(self.mark & 7) <= Outcome.REFUSED]
        seen = np.bincount(answered >> 5, minlength=8)
        return {name: int(seen[number]) for name, number in self.names.served.items() if seen[number]}

    def histogram(self) -> Histogram:
        return histogram(self.answered_us)

    def seconds(self) -> list[Second]:
        """Every second from the first to the last in which something was due."""
        if not self.count:
            return []
        second = self.due_ms // 1000
        counts = np.bincount(second)
        failed = np.bincount(second[(self.mark & 7) != Outcome.OK], minlength=len(counts))
        order = np.argsort(second, kind="stable")
        ends = np.cumsum(counts)
        made = []
        for at, end in enumerate(ends):
            part = order[end - counts[at] : end]
            ok = part[(self.mark[part] & 7) <= Outcome.REFUSED]
            p50, p95 = quantiles(self.latency_us[ok], [0.5, 0.95], len(part))
            made.append(Second(at, int(counts[at]), int(failed[at]), p50, p95))
        return made


def quantiles(answered_us: Column, shares: Sequence[float], count: int) -> list[float | None]:
    """Exact quantiles in seconds: the sample of rank ceil(share·count). The unanswered rank last, at infinity."""
    if not count:
        return [None] * len(shares)
    ranks = [max(1, math.ceil(round(share * count, 6))) - 1 for share in shares]
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


__all__ = ["NO_SIDE", "Samples", "histogram", "quantiles"]
