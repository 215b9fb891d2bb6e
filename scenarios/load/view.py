"""What can be asked of a run's samples, whether every one was kept or only their histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from reports.baseline.histogram import Histogram


@dataclass(frozen=True)
class Second:
    """One second of a run, by when its requests were due. Latencies in seconds; None where nothing was answered."""

    at_s: int
    requests: int
    failed: int
    p50_s: float | None
    p95_s: float | None


class View(Protocol):
    """Some of a run's samples."""

    @property
    def endpoints(self) -> list[str]: ...

    @property
    def asked_sides(self) -> list[str]: ...

    @property
    def count(self) -> int:
        """All of them, whatever became of them; the scenario's own steps too."""

    @property
    def failed(self) -> int:
        """Those that did not end as they should have."""

    @property
    def silent(self) -> int:
        """Those that no answer came to: beyond any bound on latency."""

    @property
    def answered(self) -> int: ...

    @property
    def errors(self) -> int:
        """Those that were answered with a status of 500 or more."""

    @property
    def dropped(self) -> int:
        """Those that were due and never sent."""

    def of(self, endpoint: str = "", asked: str = "", between_s: tuple[float, float] | None = None) -> Self:
        """Those of an endpoint, of a side that was asked for, due within a stretch of the run."""

    def requests_only(self) -> Self:
        """Without the scenario's own steps, which no server saw as one request."""

    def slower(self, than_us: int) -> int:
        """How many of the answered took more µs. Raises NoBucketAtBound where that cannot be counted."""

    def failed_or_slower(self, than_us: int) -> int:
        """How many did not get what they asked for within so many µs: whoever was refused fast is not content either.
        Raises NoBucketAtBound where that cannot be counted."""

    def quantile(self, share: float) -> float | None:
        """In seconds, over everything: whatever got no answer took for ever (inf)."""

    def quantiles(self, *shares: float) -> list[float | None]:
        """Several at once."""

    def served(self) -> dict[str, int]:
        """How many each side answered; "" is whoever did not say."""

    def histogram(self) -> Histogram:
        """Of the answered."""

    def seconds(self) -> list[Second]: ...
