"""What people do with a system, in their order and over its own front door; one folder a system."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.evidence import Missing
from fixtures.target.base import Side
from scenarios.journeys.application import Application
from scenarios.journeys.hwayo import Hwayo
from scenarios.journeys.nailbook_line import NailBook
from scenarios.surroundings import Surroundings

APPLICATIONS: dict[str, Callable[[Surroundings, Side], Application]] = {
    "hwayo": Hwayo,
    "nailbook-line": NailBook,
}


def application(around: Surroundings, side: Side | None = None) -> Application:
    """The target's application as its users reach it, on our side unless another is named. Raises Missing."""
    system = around.target.system
    if system not in APPLICATIONS:
        known = ", ".join(APPLICATIONS)
        raise Missing(f"nobody has written down how people use {system}; scenarios/journeys knows {known}")
    return APPLICATIONS[system](around, side or around.side)
