"""What takes bookings in a running system, as its clients reach it, and who knows how to speak to which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from scenarios.consistency.clients import Desk
from scenarios.consistency.history import Row
from scenarios.journeys.known import written_down
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


def shop_of(around: Surroundings) -> Shop:
    """Raises Missing."""
    bookings = written_down(around.target.system, "bookings", "how a time is booked in")
    made: Shop = bookings(around)
    return made
