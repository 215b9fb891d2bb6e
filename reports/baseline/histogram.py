"""Counts of whole microseconds in fixed logarithmic buckets: small, and merged exactly, because the buckets are always
the same. Used where samples cannot be kept: across machines, and in baselines that are committed."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

SUB_BITS = 7  # 128 buckets an octave: a bucket is at most 0.8% wide
_EXACT = 1 << (SUB_BITS + 1)  # below this every value has a bucket of its own


def bucket(us: int) -> int:
    """The bucket of a value in microseconds; whole-number arithmetic, so the same everywhere."""
    shift = us.bit_length() - SUB_BITS - 1
    return us if shift <= 0 else (shift << SUB_BITS) + (us >> shift)


def highest(index: int) -> int:
    """The largest value, in microseconds, that falls into the bucket."""
    if index < _EXACT:
        return index
    shift = (index >> SUB_BITS) - 1
    return ((index - (shift << SUB_BITS) + 1) << shift) - 1


class NoBucketAtBound(ValueError):
    """A count beyond a bound that the histogram was not told of: only interpolation could answer, so nobody does."""


@dataclass
class Histogram:
    """Bucket -> count; and, for bounds that were known beforehand, how many lay beyond each (in µs), exactly."""

    counts: dict[int, int] = field(default_factory=dict)
    over: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values_us: Iterable[int], bounds_us: Iterable[int] = ()) -> Histogram:
        made = cls(over=dict.fromkeys(bounds_us, 0))
        for value in values_us:
            made.add(value)
        return made

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    def add(self, us: int) -> None:
        shift = us.bit_length() - SUB_BITS - 1
        index = us if shift <= 0 else (shift << SUB_BITS) + (us >> shift)
        self.counts[index] = self.counts.get(index, 0) + 1
        for bound in self.over:
            if us > bound:
                self.over[bound] += 1

    def merge(self, other: Histogram) -> None:
        """Exact: the same histogram as if one had seen both. A bound stays known only where both knew it."""
        if self.counts:
            self.over = {
                bound: seen + other.over[bound] for bound, seen in self.over.items() if bound in other.over
            }
        else:
            self.over = dict(other.over)
        for index, seen in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + seen

    def beyond(self, bound_us: int) -> int:
        """How many were larger. Raises NoBucketAtBound where that could only be interpolated."""
        if bound_us in self.over:
            return self.over[bound_us]
        if highest(bucket(bound_us)) != bound_us:
            raise NoBucketAtBound(f"no bucket ends at {bound_us} µs, and it was not stated before the run")
        last = bucket(bound_us)
        return sum(seen for index, seen in self.counts.items() if index > last)

    def quantile(self, share: float) -> int | None:
        """The highest value of the bucket in which the quantile lies, in µs: at most 0.8% above the exact one."""
        if not self.counts:
            return None
        indices = sorted(self.counts)
        reached = list(accumulate(self.counts[index] for index in indices))
        rank = max(1, math.ceil(share * reached[-1]))
        return highest(indices[bisect.bisect_left(reached, rank)])

    def coarser(self, sub_bits: int = 4) -> Histogram:
        """With fewer, wider buckets (6% at 4 bits), which are among the same fixed ones: small enough to commit."""
        made = Histogram()
        for index, seen in self.counts.items():
            top = highest(index)
            shift = max(0, top.bit_length() - sub_bits - 1)
            wider = bucket((((top >> shift) + 1) << shift) - 1)
            made.counts[wider] = made.counts.get(wider, 0) + seen
        return made

    def plain(self) -> dict[str, dict[str, int]]:
        """As JSON has it."""
        return {
            "counts": {str(index): self.counts[index] for index in sorted(self.counts)},
            "over": {str(bound): seen for bound, seen in sorted(self.over.items())},
        }

    @classmethod
    def read(cls, plain: Mapping[str, Mapping[str, int]]) -> Histogram:
        return cls(
            {int(index): seen for index, seen in plain["counts"].items()},
            {int(bound): seen for bound, seen in plain.get("over", {}).items()},
        )
