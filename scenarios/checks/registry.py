"""Which function measures which kind of check; each registers itself by the kind's model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fixtures.evidence import NoEvidence
from fixtures.target.checks import Check
from reports.verdicts import Measurement
from scenarios.surroundings import Surroundings
from scenarios.tally import UNIT

C = TypeVar("C", bound=Check)
Measure = Callable[[C, Surroundings], Measurement]
_MEASURES: dict[type[Check], Measure[Any]] = {}


def measures(kind: type[C]) -> Callable[[Measure[C]], Measure[C]]:
    """Register the function below as the one that measures checks of that kind."""

    def register(function: Measure[C]) -> Measure[C]:
        _MEASURES[kind] = function
        return function

    return register


def kinds() -> frozenset[type[Check]]:
    """Those that can be measured."""
    return frozenset(_MEASURES)


def measure(check: Check, around: Surroundings) -> Measurement:
    """What the check finds now. Whatever could not be seen is a measurement without a value that says why."""
    try:
        return _MEASURES[type(check)](check, around)
    except NoEvidence as error:
        return Measurement(None, UNIT, 0, why=str(error))
