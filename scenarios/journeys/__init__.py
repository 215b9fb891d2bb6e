"""What people do with a system, in their order and over its own front door; one folder a system."""

from __future__ import annotations

from fixtures.target.base import Side
from scenarios.journeys.application import Application
from scenarios.journeys.known import written_down
from scenarios.surroundings import Surroundings


def application(around: Surroundings, side: Side | None = None) -> Application:
    """The target's application as its users reach it, on our side unless another is named. Raises Missing."""
    people = written_down(around.target.system, "people", "how people use")
    made: Application = people(around, side or around.side)
    return made
