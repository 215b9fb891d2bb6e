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
from scenarios.drills.ground import Ground, Ledger, Note
from scenarios.drills.healing import heal
from scenarios.drills.journal import Clock
from scenarios.drills.runbook import Act
from scenarios.drills.tables import TableBack


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

    def clear(self) -> None:
        """Remove what lies aside: all of it is proven to be back."""
        ...

    def keep(self, *, is_over: bool) -> str:
        """Leave what lies aside for somebody to look at; where, in words. `is_over`: there is nothing left to heal."""
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
    _noted: Note | None = None

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
        told = (self.ground, self.ledger, self._was, self.disaster.way_back(self.ledger), self.clock)
        note = self.ledger.note()
        self._way = TableBack(*told, table=note.table) if note and note.table else Comeback(*told)
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
        self._noted = self.ledger.note() or self._noted
        return heal(self.ground, self.ledger)

    def left_behind(self) -> Sequence[str]:
        try:
            now = inventories(self.ground)
        except psycopg.Error as error:
            return [f"the database cannot be read: {error}"]
        return [f"{name}: {one}" for name, was in self._was.items() for one in differences(was, now[name])]

    def clear(self) -> None:
        for path in self._lying():
            shutil.rmtree(path)
        if self._way:
            self._way.discard()
        self.ledger.settle()

    def keep(self, *, is_over: bool) -> str:
        lying = ", ".join(map(str, self._lying()))
        if is_over:
            self.ledger.settle()
        return f"kept, for not all is proven to be back: {lying}" if lying else ""

    def _lying(self) -> list[Path]:
        note = self.ledger.note() or self._noted
        return note.lying(self.ground.data()) if note else []
