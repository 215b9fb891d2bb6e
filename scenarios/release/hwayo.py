"""A locustfile: Hwayo's users while it is released. As scenarios/load/hwayo.py has them, in another mix."""

from __future__ import annotations

from scenarios.load import hwayo
from scenarios.release.mix import tasks_of


class Stander(hwayo.Inspector):
    """Stands in for users where those who come by themselves are too few to tell."""


Stander.tasks = tasks_of("hwayo", hwayo.Inspector)
