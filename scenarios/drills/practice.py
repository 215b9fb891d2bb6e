"""What a drill practises: something to lose, the way back, and how to tell that all is as it was."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
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

    def heal(self) -> str:
        """End what was begun, whoever began it; what was done, "" where there was nothing."""
        ...

    def left_behind(self) -> Sequence[str]:
        """In what it is not as it was found."""
        ...

    def clear(self, *, is_whole: bool) -> str:
        """Remove what lies aside, if nothing is gone; where it is kept, in words."""
        ...


class OfDatabase:
    """A disaster on a database, and the way back from its backups."""

    def __init__(self, ground: Ground, disaster: Disaster, ledger: Ledger, clock: Clock) -> None:
        self._ground, self._disaster, self._ledger, self._clock = ground, disaster, ledger, clock
        self._was: Mapping[str, Inventory] = {}
        self._way: Comeback | None = None

    def fit(self) -> str:
        if self._ledger.note() is not None:
            raise NotBegun("an earlier drill was not ended: heal it first")
        try:
            backup, _ = newest_sound(self._ground.backups, None)
        except NotRestored as error:
            raise NotBegun(str(error)) from error
        self._was = inventories(self._ground)
        return f"{backup.id} was read in full"

    def strike(self, drill: str) -> str:
        self._ledger.open(Note(drill, str(self._ground.data())))
        self._disaster.strike(self._ground, self._ledger)
        how = self._disaster.way_back(self._ledger)
        self._way = Comeback(self._ground, self._ledger, self._was, how, self._clock)
        return self._disaster.bit(self._ground)

    def acts(self) -> Mapping[str, Act]:
        return self._way.acts() if self._way else {}

    @property
    def resumed_s(self) -> float:
        return self._way.resumed_s if self._way else float("inf")

    def heal(self) -> str:
        return heal(self._ground, self._ledger)

    def left_behind(self) -> Sequence[str]:
        try:
            now = inventories(self._ground)
        except psycopg.Error as error:
            return [f"the database cannot be read: {error}"]
        return [f"{name}: {one}" for name, was in self._was.items() for one in differences(was, now[name])]

    def clear(self, *, is_whole: bool) -> str:
        note = self._ledger.note()
        serves = self._ground.data()
        named = (note.original, note.aside) if note else ()
        lying = [path for path in map(Path, filter(None, named)) if path.exists() and path != serves]
        if is_whole:
            for path in lying:
                shutil.rmtree(path)
        self._ledger.settle()
        return (
            f"kept, because something is gone: {', '.join(map(str, lying))}" if lying and not is_whole else ""
        )
