"""Users of the side that is harmed, who do what users do, so that what counts them has something to count.

They come with the first experiment that wants them and stay for those after it: coming takes longer than being harmed.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Self

from fixtures.evidence import Missing
from scenarios.load.arrivals import constant
from scenarios.load.document import secrets_of
from scenarios.load.engine import Means, Traffic, traffic
from scenarios.load.plan import Open, Plan
from scenarios.surroundings import Surroundings

LASTS_S = 3600.0  # ended with the stage
SESSIONS = 10
HEARS_S = 0.005


class Crowd:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._open = ExitStack()
        self._there: Traffic | None = None
        self._rate_rps = 0.0

    def come(self, rate_rps: float) -> None:
        """Have so many there; those who are there already are enough. Raises CannotStart."""
        if self._there is not None and self._there.alive and self._rate_rps == rate_rps:
            return
        self.close()
        around = self._around
        plan = Plan(
            host=around.entry,
            model=Open(constant(rate_rps, LASTS_S), sessions=SESSIONS),
            locustfile=f"scenarios/release/{around.target.system.replace('-', '_')}.py",
            sides={str(around.side): dict(around.environment.route[around.side])},
            served_header=around.environment.served.side,
            ca=str(around.ca or ""),
            drain_s=2.0,
        )
        means = Means(secrets=secrets_of(around.target, around.environment))
        self._there, self._rate_rps = self._open.enter_context(traffic(plan, means)), rate_rps

    def must_be_there(self) -> None:
        """Raises Missing where they came and are gone: then what counts them counts nobody."""
        if self._there is None:
            return
        self._there.run_for(HEARS_S)  # what they say is to be heard, or they would wait to be
        if not self._there.alive:
            raise Missing("the users who were to be harmed have gone: their process ended")

    def close(self) -> None:
        if self._there is not None:
            self._there.stop()
        self._open.close()
        self._there = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
