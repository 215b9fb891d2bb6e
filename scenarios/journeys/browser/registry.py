"""Which journey answers which check; each module of journeys registers its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fixtures.evidence import NoEvidence
from fixtures.target.pages import InBrowser
from reports.verdicts import Measurement
from scenarios.journeys.browser.stroll import People, Stroll
from scenarios.journeys.browser.visit import Browsing
from scenarios.tally import UNIT

C = TypeVar("C", bound=InBrowser)
Journey = Callable[[Stroll, C], None]
_JOURNEYS: dict[type[InBrowser], Journey[Any]] = {}


def walks(kind: type[C]) -> Callable[[Journey[C]], Journey[C]]:
    """Register the function below as the one that makes journeys of that kind."""

    def register(function: Journey[C]) -> Journey[C]:
        _JOURNEYS[kind] = function
        return function

    return register


def kinds() -> frozenset[type[InBrowser]]:
    """Those that can be walked."""
    return frozenset(_JOURNEYS)


def walk(check: InBrowser, browsing: Browsing, people: People) -> Measurement:
    """What the check finds now. Whatever could not be seen is a measurement without a value that says why."""
    try:
        return Stroll(browsing, people, check).measure(lambda stroll: _JOURNEYS[type(check)](stroll, check))
    except NoEvidence as error:
        return Measurement(None, UNIT, 0, why=str(error))
