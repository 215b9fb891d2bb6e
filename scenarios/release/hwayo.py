"""A locustfile: Hwayo's users while it is released. As scenarios/load/hwayo.py has them, in another mix."""

from __future__ import annotations

from scenarios.load import hwayo
from scenarios.release.mix import TASKS


class Stander(hwayo.Inspector):
    """Stands in for users where those who come by themselves are too few to tell."""


# Assigned, not declared: what is declared is added to the inspector's own tasks.
Stander.tasks = [
    getattr(hwayo.Inspector, name) for name, often in TASKS["hwayo"].items() for _ in range(often // 10)
]
