"""Users of the side that is harmed, who do what users do, so that what counts them has something to count.

They come with the first experiment that wants them and stay for those after it: coming takes longer than being harmed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Protocol, Self

from fixtures.evidence import Missing
from scenarios.load.arrivals import constant
from scenarios.load.document import secrets_of
from scenarios.load.engine import Means, traffic
from scenarios.load.plan import Open, Plan, locustfile_of
from scenarios.surroundings import Surroundings

LASTS_S = 3600.0  # ended with the stage
SESSIONS = 10
HEARS_S = 0.25
PAUSE_S = 0.02


class Users(Protocol):
    """What is needed of a load that is under way."""

    @property
    def alive(self) -> bool: ...

    def run_for(self, seconds: float) -> None: ...

    def stop(self) -> None: ...


Comes = Callable[[Plan, Means], AbstractContextManager[Users]]


class Crowd:
    """Listened to by a thread of its own for as long as it stays: between two experiments nobody else does, and who is
    not heard for long counts as gone, or waits to be heard before it goes on."""

    def __init__(self, around: Surroundings, comes: Comes = traffic) -> None:
        self._around, self._comes = around, comes
        self._open = ExitStack()
        self._there: Users | None = None
        self._rate_rps = 0.0
        self._setting_out: threading.Thread | None = None

    def set_out(self, rate_rps: float) -> None:
        """Have so many come, and do not wait for them. What is wrong is said when they are wanted."""

        def come() -> None:
            with suppress(Exception):
                self._come(rate_rps)

        self._setting_out = threading.Thread(target=come, daemon=True)
        self._setting_out.start()

    def come(self, rate_rps: float) -> None:
        """Have so many there; those who are there already are enough. Raises CannotStart."""
        self._arrived()
        self._come(rate_rps)

    def _arrived(self) -> None:
        if self._setting_out is not None:
            self._setting_out.join()
            self._setting_out = None

    def _come(self, rate_rps: float) -> None:
        if self._there is not None and self._there.alive and self._rate_rps == rate_rps:
            return
        self._leave()
        around = self._around
        doings = (
            around.target.release.users if around.target.release else {}
        )  # each that is counted, often enough
        plan = Plan(
            host=around.entry,
            model=Open(constant(rate_rps, LASTS_S), sessions=SESSIONS),
            locustfile=locustfile_of(around.target.system),
            mix={name: one.often for name, one in doings.items()},
            sides={str(around.side): dict(around.environment.route[around.side])},
            served_header=around.environment.served.side,
            ca=str(around.ca or ""),
            drain_s=2.0,
        )
        means = Means(secrets=secrets_of(around.target, around.environment))
        self._there, self._rate_rps = self._open.enter_context(self._comes(plan, means)), rate_rps
        self._open.callback(self._there.stop)
        leaves = threading.Event()
        listener = threading.Thread(target=_listen, args=(self._there, leaves), daemon=True)
        listener.start()
        self._open.callback(listener.join)
        self._open.callback(leaves.set)

    def must_be_there(self) -> None:
        """Raises Missing where they came and are gone: then what counts them counts nobody."""
        if self._there is not None and not self._there.alive:
            raise Missing("the users who were to be harmed have gone: their process ended, or fell silent")

    def close(self) -> None:
        self._arrived()
        self._leave()

    def _leave(self) -> None:
        self._open.close()
        self._there = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _listen(there: Users, leaves: threading.Event) -> None:
    while there.alive and not leaves.wait(PAUSE_S):  # a load that is over has nothing more to say
        there.run_for(HEARS_S)
