"""A site as a run of suites stands on it: what an earlier run left is healed first, and a watchdog stands by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from scenarios.faults.healing import Healer, left_behind
from scenarios.faults.place import Place
from scenarios.faults.site import Site
from scenarios.faults.standby import Standby


class LeftByAnother(Exception):
    """An earlier run left something that cannot be healed: then nothing is put in."""


@contextmanager
def standing(place: Place) -> Iterator[Site]:
    """In the end nothing of this process is left in it. Raises LeftByAnother, NoEvidence, Unwatched."""
    with ExitStack() as stack:
        standby = Standby(place)  # comes up while what is left is looked for
        stack.callback(standby.close)
        hands = stack.enter_context(place.opened())
        left = Healer(hands, place.ledger).heal_all(left_behind(hands.objects, place.ledger))
        if failed := [one.text for one in left if one.failed]:
            raise LeftByAnother("; ".join(failed))
        stack.enter_context(standby)
        site = Site(hands, place.ledger, standby)
        yield site
        site.abort()
