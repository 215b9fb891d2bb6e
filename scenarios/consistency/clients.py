"""Many clients that want slots at the same time, and do what clients do when a connection breaks: ask again.

A booking has a key of the client's own, so that a second request for it is known as such. What a client must not do is
to take its own first request for a rival's: after a lost answer "taken" may mean "you have it".
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fixtures.clock import Clock, SystemClock
from scenarios.consistency.history import Attempt, History, Outcome, Slot


class Lost(Exception):
    """The connection broke while an answer was awaited: it may have been carried out."""


class Unreachable(Exception):
    """No connection could be had: nothing was sent."""


class Taken(Exception):
    """Somebody has the slot, or a part of it."""


class Undone(Exception):
    """The system says that it carried nothing out, for a reason of its own: a deadlock, a time-out. Worth a retry."""


class Desk(Protocol):
    """One client's connection to whoever takes bookings."""

    def book(self, key: str, slot: Slot) -> None:
        """Acknowledged, or raises Taken, Undone, Lost, Unreachable. Booking one's own again is no error."""
        ...

    def holds(self, key: str) -> bool:
        """Whether that booking is there now. Raises Lost, Unreachable."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Wish:
    key: str
    slot: Slot


@dataclass(frozen=True)
class Patience:
    """How long a client goes on with one wish, and how long it waits between two tries.

    Each waits for a random part of a time that doubles: rivals whose inserts wait for each other are undone as a
    deadlock, and those who then come back together meet in the next one, for as long as they have patience.
    """

    gives_up_s: float = 20.0
    pause_s: float = 0.05
    longest_s: float = 1.0

    def pause(self, chance: random.Random, retries: int) -> float:
        return chance.uniform(0, min(self.longest_s, self.pause_s * 2**retries))


def wishes(rng: random.Random, number: int, rivals: int, people: int = 3) -> list[Wish]:
    """Those who come one after another want the same time or one that overlaps it; their neighbours want the next."""
    made = []
    for index in range(number):
        begins = 60 * (index // (rivals * people))  # an hour for each group of rivals, in minutes
        early = rng.choice((0, 0, 15, 30))
        slot = Slot(index % people, begins + early, begins + early + rng.choice((30, 45, 60)))
        made.append(Wish(f"wish-{index}", slot))
    return made


def book_all(
    wanted: Sequence[Wish], desk: Callable[[], Desk], clients: int, patience: Patience | None = None
) -> History:
    """Every wish tried once to its end, by so many clients at a time. What else a desk raises ends all."""
    clock, history = SystemClock(), History()
    waiting: queue.SimpleQueue[Wish] = queue.SimpleQueue()
    for wish in wanted:
        waiting.put(wish)
    broken: list[Exception] = []

    def client() -> None:
        own = desk()
        try:
            while not broken:
                wish = waiting.get_nowait()
                history.add(Client(own, clock, patience or Patience()).satisfy(wish))
        except queue.Empty:
            pass
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
            broken.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return history


@dataclass
class Client:
    desk: Desk
    clock: Clock
    patience: Patience

    def satisfy(self, wish: Wish) -> Attempt:
        began_s = self.clock.now()
        outcome, retries, lost = Outcome.NEVER, -1, 0
        in_doubt = False  # something was sent, and its answer never came
        chance = random.Random(wish.key)
        while retries < 0 or self.clock.now() - began_s < self.patience.gives_up_s:
            retries += 1
            try:
                self.desk.book(wish.key, wish.slot)
                return self._told(wish, began_s, Outcome.BOOKED, (retries, lost))
            except Taken:
                decided = self._decided(wish, in_doubt)
                if decided is not None:
                    return self._told(wish, began_s, decided, (retries, lost))
                lost += 1
            except Lost:
                in_doubt, lost = True, lost + 1
            except (Unreachable, Undone):
                pass
            outcome = Outcome.UNKNOWN if in_doubt else Outcome.NEVER
            self.clock.sleep(self.patience.pause(chance, retries))
        return self._told(wish, began_s, outcome, (retries, lost))

    def _decided(self, wish: Wish, in_doubt: bool) -> Outcome | None:
        """Taken by whom? None where that could not be asked."""
        if not in_doubt:
            return Outcome.TAKEN
        try:
            return Outcome.BOOKED if self.desk.holds(wish.key) else Outcome.TAKEN
        except (Lost, Unreachable):
            return None

    def _told(self, wish: Wish, began_s: float, outcome: Outcome, tries: tuple[int, int]) -> Attempt:
        return Attempt(wish.key, wish.slot, began_s, self.clock.now(), outcome, *tries)
