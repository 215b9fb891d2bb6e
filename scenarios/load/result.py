"""A load run that is over: its samples, its phases, and whether it is worth anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.verdicts import Evidence
from scenarios.load.plan import Plan
from scenarios.load.validity import Generated, Sent, ServerCount, Validity
from scenarios.load.view import View


@dataclass(frozen=True)
class Phase:
    """A stretch of the run, in seconds from its zero: before, during and after a fault or a change of weight."""

    name: str
    begin_s: float
    end_s: float


@dataclass
class LoadRun:
    """`zero_unix` is the run's zero as unix time; `duration_s` how long requests were due."""

    plan: Plan
    samples: View
    duration_s: float
    zero_unix: float
    phases: list[Phase] = field(default_factory=list)
    validity: Validity = field(default_factory=Validity)
    generators: Sequence[Generated] = ()
    server: ServerCount | None = None
    shown: Evidence | None = None  # the table of all its endpoints, once somebody asked for it

    @property
    def window(self) -> tuple[float, float]:
        """In unix seconds."""
        return self.zero_unix, self.zero_unix + self.duration_s

    @property
    def rate_rps(self) -> float:
        """Requests that were answered as they should be, per second of the run."""
        requests = self.samples.requests_only()
        return (requests.count - requests.failed) / self.duration_s if self.duration_s else 0.0

    def during(self, phase: str) -> View:
        """The samples due in that phase. Raises KeyError of a phase that never was."""
        span = next((one for one in self.phases if one.name == phase), None)
        if span is None:
            raise KeyError(f"no phase {phase!r}; there were: {', '.join(one.name for one in self.phases)}")
        return self.samples.of(between_s=(span.begin_s, span.end_s))

    def causes(self) -> list[tuple[int, str, str]]:
        """Why requests failed: how often, which endpoint, why; the most frequent first."""
        together: Counter[tuple[str, str]] = Counter()
        for one in self.generators:
            for endpoint, why, seen in one.causes:
                together[endpoint, why] += seen
        return [(seen, endpoint, why) for (endpoint, why), seen in together.most_common()]

    def sent(self) -> Sent:
        """How many requests the server must have seen, and how many it may have."""
        requests = self.samples.requests_only()
        served = requests.served()
        owned = sum(seen for side, seen in served.items() if side)
        least = owned or requests.answered  # a system that never says who serves answers all of them itself
        return Sent(least, requests.count - requests.dropped)
