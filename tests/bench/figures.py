"""A figure with its bound, as every benchmark prints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; met when it is at most (or, with `at_least`, at least) `bound`."""

    name: str
    value: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def report(figures: Sequence[Figure]) -> int:
    """Print them; 0 when all are met, else 1."""
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        state = "met" if figure.met else "NOT MET"
        print(
            f"  {figure.name:<58} {figure.value:10.3g} {figure.unit:<8} {sign} {figure.bound:<8g} {state}",
            flush=True,
        )
    return 0 if figures and all(figure.met for figure in figures) else 1
