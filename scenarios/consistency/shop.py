"""What takes bookings in a running system, as its clients reach it, and who knows how to speak to which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from fixtures.evidence import Missing
from scenarios.consistency.clients import Desk
from scenarios.consistency.history import Row
from scenarios.consistency.nailbook_line import Salon
from scenarios.surroundings import Surroundings


class Shop(Protocol):
    """Somebody's calendar that is empty at first, and is cleared in the end."""

    people: int  # whose time can be booked

    def desk(self) -> Desk:
        """One client's way in."""
        ...

    def rows(self) -> Sequence[Row]:
        """What is there, as users see it."""
        ...

    def clear(self) -> None:
        """Every booking is taken back."""
        ...


SHOPS: Mapping[str, Callable[[Surroundings], Shop]] = {"nailbook-line": Salon}


def shop_of(around: Surroundings) -> Shop:
    """Raises Missing."""
    system = around.target.system
    if system not in SHOPS:
        raise Missing(f"nobody has written down how a time is booked in {system}")
    return SHOPS[system](around)
