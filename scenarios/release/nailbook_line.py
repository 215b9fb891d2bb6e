"""A locustfile: NailBook's users while it is released. As scenarios/load/nailbook_line.py has them, in another mix."""

from __future__ import annotations

from scenarios.load import nailbook_line
from scenarios.release.mix import tasks_of


class Stander(nailbook_line.Customer):
    """Stands in for users where those who come by themselves are too few to tell."""


Stander.tasks = tasks_of("nailbook-line", nailbook_line.Customer)
