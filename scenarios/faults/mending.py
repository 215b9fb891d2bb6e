"""When the platform had put back by itself what a fault took away: a container begun again, another pod."""

from __future__ import annotations

from collections.abc import Iterable

from fixtures.evidence import NoEvidence
from fixtures.ledger import now
from scenarios.faults.acts import Remove
from scenarios.faults.notices import Seen
from scenarios.faults.site import Fault, Injection


class Mending:
    """Of those faults alone that take away and nothing else: all others stay in until they are healed."""

    def __init__(self, put_in: Iterable[tuple[Fault, Injection]], seen: Seen) -> None:
        self._waiting = [
            (fault, injection.effect)
            for fault, injection in put_in
            if injection.plan.acts and all(isinstance(act, Remove) for act in injection.plan.acts)
        ]
        self._seen = seen

    def look(self) -> None:
        """Whoever is whole again is asked no more."""
        for one in list(self._waiting):
            fault, effect = one
            try:
                whole = fault.is_over()
            except NoEvidence:
                continue
            if whole:
                self._seen.at(f"put back by the platform after {fault.name}", now(), f"({effect})")
                self._waiting.remove(one)
