"""How much more often a service is asked while a fault is in: callers that ask again make what fails worse."""

from __future__ import annotations

from dataclasses import dataclass

from fixtures.evidence import Missing, NoEvidence
from fixtures.statistics import lower_limit, upper_limit
from fixtures.target.experiment import Amplified
from scenarios.surroundings import Surroundings

LEAST_WINDOW_S = 6.0  # a rate needs a few scrapes, however fast the environment's pace is
KNOWN_S = 3.0  # what is asked now is in Prometheus so much later
REACHES = 0.5  # of what reached the service before: with less of it, its callers have no failure to answer


@dataclass
class Rush:
    """Requests that reached a service, by its own count, in two windows of one length: just before, and during."""

    wanted: Amplified
    window_s: float
    before: int | None = None
    during: int | None = None
    unseen: str = ""  # why a count is not known

    @classmethod
    def of(cls, wanted: Amplified, pace: float) -> Rush:
        return cls(wanted, max(LEAST_WINDOW_S, wanted.over.seconds * pace))

    @property
    def takes_s(self) -> float:
        """From when users ask alike, until a window full of them can be counted."""
        return self.window_s + KNOWN_S

    def look_before(self, around: Surroundings) -> None:
        """Raises NoEvidence: without it nothing needs to be harmed."""
        self.before = self._count(around)

    def look_during(self, around: Surroundings) -> None:
        try:
            self.during = self._count(around)
        except NoEvidence as error:
            self.unseen = str(error)

    def _count(self, around: Surroundings) -> int:
        query = self.wanted.counted.replace("$window", f"{round(self.window_s)}s")
        for one in around.prometheus.query(query):
            if one.labels.get("namespace", around.namespace) == around.namespace and one.value == one.value:
                return round(one.value)
        raise Missing(f"Prometheus has no count of what {self.wanted.service} was asked: {query}")

    # --- what it comes to --------------------------------------------------------------------------------------------
    @property
    def said(self) -> str:
        before, during = ("?" if count is None else count for count in (self.before, self.during))
        window = f"in {self.window_s:g} s"
        return f"{self.wanted.service} was asked {during} times {window}, and {before} times {window} before"

    @property
    def wrong(self) -> str:
        """That it was surely asked more often than allowed; else nothing."""
        if not self.before or not self.during:
            return ""
        if lower_limit(self.during, self.before + self.during) <= self._share:
            return ""
        times = f"{self.during / self.before:.1f} times as often, allowed are {self.wanted.at_most:g}"
        return f"{self.said}: {times}: its callers ask again and again"

    @property
    def unknown(self) -> str:
        """Why nobody can tell that it was not; nothing where it surely was not."""
        if self.unseen or self.before is None or self.during is None:
            return self.unseen or f"nobody counted what {self.wanted.service} was asked"
        if not self.before:
            return f"{self.said}: nobody asked before, so nothing can be compared"
        if self.during < REACHES * self.before:
            return f"{self.said}: what does not reach it says nothing of those who ask again"
        if upper_limit(self.during, self.before + self.during) >= self._share:
            return f"{self.said}: too few to tell whether that is within {self.wanted.at_most:g} times"
        return ""

    @property
    def _share(self) -> float:
        """Of both windows together, what may fall into the second: given their sum, the count there is binomial."""
        return self.wanted.at_most / (1 + self.wanted.at_most)
