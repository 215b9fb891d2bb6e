"""Finds what is written down of a system: its folder below scenarios/journeys has a module for each thing asked."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from fixtures.evidence import Missing

HERE = "scenarios.journeys"


def written_down(system: str, part: str, what: str) -> Any:
    """What the module `part` of the system's folder calls by its own name in capitals: `people` has PEOPLE. Raises
    Missing, which says `what` nobody wrote down."""
    folder = f"{HERE}.{system.replace('-', '_')}"
    if find_spec(folder) is None or find_spec(f"{folder}.{part}") is None:
        at = f"{folder}.{part}".replace(".", "/")
        raise Missing(f"nobody has written down {what} {system}: there is no {at}.py")
    return getattr(importlib.import_module(f"{folder}.{part}"), part.upper())
