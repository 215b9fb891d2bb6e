"""What a drill practises: something to lose, the way back, and how to tell that all is as it was."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg

from fixtures.platforms.backups import NotRestored
from fixtures.platforms.postgres.inventory import Inventory, differences
from scenarios.drills.comeback import Comeback, inventories, newest_sound
from scenarios.drills.disasters import Disaster
from scenarios.drills.ground import Ground, Ledger, Note, heal
from scenarios.drills.journal import Clock
from scenarios.drills.runbook import Act


class NotBegun(Exception):
    """The drill cannot be held safely, or nothing could be learned from it; nothing was harmed."""


class NoWayBack(NotBegun):
    """What would be lost could not be brought back: that was looked at, and is wrong."""


class Practice(Protocol):
    def fit(self) -> str:
        """That there is a way back, in words; from here on what was is known. Raises NotBegun."""
        ...

    def strike(self, drill: str) -> str:
        """Lose it; what shows that it is lost, "" where nothing does."""
        ...

    def acts(self) -> Mapping[str, Act]:
        """The steps of a runbook that it knows how to carry out, by name."""
        ...

    @property
    def resumed_s(self) -> float:
        """When what came back began to take writes, in unix seconds; inf where it did not."""
        ...

    @property
    def reaches_s(self) -> float | None:
        """The last change that a restore brought back, in unix seconds; None where nothing was restored."""
        ...

    @property
    def may_go_unfelt(self) -> bool:
        """Whether users need not notice, because others stand in for what is lost."""
        ...

    def heal(self) -> str:
        """End what was begun, whoever began it; what was done, "" where there was nothing."""
        ...

    def left_behind(self) -> Sequence[str]:
        """In what it is not as it was found."""
        ...

    def clear(self, *, is_whole: bool) -> str:
        """Remove what lies aside, if nothing is gone; where it is kept, in words."""
        ...


@dataclass
class OfDatabase:
    """A disaster on a database, and the way back from its backups. `oldest_s`: of its newest backup, by plan."""

    ground: Ground
    disaster: Disaster
    ledger: Ledger
    clock: Clock
    oldest_s: float = math.inf
    may_go_unfelt: bool = False
    _was: Mapping[str, Inventory] = field(default_factory=dict)
    _way: Comeback | None = None

    def fit(self) -> str:
        if self.ledger.note() is not None:
            raise NotBegun("an earlier drill was not ended: heal it first")
        try:
            backup, _ = newest_sound(self.ground.backups, None)
        except NotRestored as error:
            raise NoWayBack(str(error)) from error
        age_s = self.clock() - backup.ended_s
        if age_s > self.oldest_s:
            planned = f"by plan it is {self.oldest_s:.0f} s at most"
            raise NoWayBack(f"the newest sound backup, {backup.id}, is {age_s:.0f} s old; {planned}")
        self._was = inventories(self.ground)
        return f"{backup.id}, {age_s:.0f} s old, was read in full"

    def strike(self, drill: str) -> str:
        self.ledger.open(Note(drill, str(self.ground.data())))
        self.disaster.strike(self.ground, self.ledger)
        how = self.disaster.way_back(self.ledger)
        self._way = Comeback(self.ground, self.ledger, self._was, how, self.clock)
        return self.disaster.bit(self.ground)

    def acts(self) -> Mapping[str, Act]:
        return self._way.acts() if self._way else {}

    @property
    def resumed_s(self) -> float:
        return self._way.resumed_s if self._way else float("inf")

    @property
    def reaches_s(self) -> float | None:
        return self._way.reaches_s if self._way else None

    def heal(self) -> str:
        return heal(self.ground, self.ledger)

    def left_behind(self) -> Sequence[str]:
        try:
            now = inventories(self.ground)
        except psycopg.Error as error:
            return [f"the database cannot be read: {error}"]
        return [f"{name}: {one}" for name, was in self._was.items() for one in differences(was, now[name])]

    def clear(self, *, is_whole: bool) -> str:
        note = self.ledger.note()
        serves = self.ground.data()
        named = (note.original, note.aside) if note else ()
        lying = [path for path in map(Path, filter(None, named)) if path.exists() and path != serves]
        if is_whole:
            for path in lying:
                shutil.rmtree(path)
            if self._way:
                self._way.discard()
        self.ledger.settle()
        return (
            f"kept, because something is gone: {', '.join(map(str, lying))}" if lying and not is_whole else ""
        )
