"""A person's way through the system, step by step: each is timed, the first that fails ends it and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.target.quantities import Duration
from reports.verdicts import Evidence, Measurement
from scenarios.pods import service_testimony
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


class Unmet(Exception):
    """The system did not do what the step needs; the message says what it did instead."""


class Ended(Exception):
    """A step failed, and is in the tally."""


class Walk:
    """`within` bounds each step."""

    def __init__(self, around: Surroundings, within: Duration) -> None:
        self.around = around
        self.within = within
        self._tally = Tally("steps")

    @contextmanager
    def step(self, name: str, service: str = "") -> Iterator[None]:
        """Something that is judged. `service` does the work: its pods are asked when it fails."""
        begun = self.around.clock.now()
        self._tally.saw(name)
        try:
            yield
        except (Unmet, httpx.HTTPError) as error:
            self._tally.breaks(name, _words(error), *self._testimony(service))
            raise Ended from error
        took_s = self.around.clock.now() - begun
        self._tally.took(name, took_s)
        self._tally.note(Evidence(f"{name}: {took_s * 1000:.0f} ms", ""))
        if took_s > self.within.amount:
            self._tally.breaks(
                name, f"took {took_s:.2f} s, where {self.within} is promised", *self._testimony(service)
            )

    @contextmanager
    def before(self, what: str) -> Iterator[None]:
        """Something that another journey is judged by: where it fails, this one cannot be."""
        with needed(what):
            yield

    def until(self, predicate: Callable[[], object], otherwise: Callable[[], str]) -> None:
        """Wait for it within the step's time; raises Unmet with what `otherwise` says."""
        try:
            wait_until(predicate, self.within.amount, self.around.clock)
        except TimedOut as error:
            raise Unmet(otherwise()) from error

    def measure(self, journey: Callable[[Walk], None]) -> Measurement:
        with suppress(Ended):  # the tally knows
            journey(self)
        return self._tally.measurement()

    def _testimony(self, name: str) -> tuple[Evidence, ...]:
        found = [one for one in self.around.target.services if one.name == name]
        return tuple(one for service in found for one in service_testimony(self.around, service))


@contextmanager
def needed(what: str) -> Iterator[None]:
    """What is needed before anything can be judged: where it fails, nothing was seen. Raises Missing."""
    try:
        yield
    except (Unmet, httpx.HTTPError) as error:
        raise Missing(f"cannot {what}: {_words(error)}") from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
