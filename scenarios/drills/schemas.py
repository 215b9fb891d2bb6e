"""A schema migration that breaks the product, rolled back by the statement that its authors wrote for that.

Both are noted before they are carried out, each with its transaction: whoever comes after a drill that was killed asks
the database which of them it committed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psycopg

from fixtures.platforms.postgres import archive, inventory
from fixtures.platforms.postgres.inventory import Inventory
from scenarios.drills.comeback import NotProven
from scenarios.drills.ground import Connection, Ground
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.noted import Noted
from scenarios.drills.practice import NotBegun
from scenarios.drills.runbook import Act

LOCKS_S = 5
ARCHIVES_S = 10.0


@dataclass(frozen=True)
class Migration:
    """Statements; `applied`, `undone`: the transactions in which they were carried out, "" where they were not."""

    database: str
    apply: str
    undo: str
    applied: str = ""
    undone: str = ""


@dataclass
class OfSchema(Noted):
    ground: Ground
    migration: Migration
    file: Path
    clock: Clock
    _was: Inventory | None = field(default=None)

    def fit(self) -> str:
        """That the way back leads back: tried, and undone again, in a transaction that is never committed."""
        self.must_be_over()
        with self._connect() as link:
            self._was = inventory.take(link)
            with link.transaction(force_rollback=True):
                _carried_out(link, self.migration.apply)
                if not inventory.differences(self._was, inventory.take(link)):
                    raise NotBegun("the migration changes nothing")
                _carried_out(link, self.migration.undo)
                if found := inventory.differences(self._was, inventory.take(link)):
                    raise NotBegun(f"what is to roll it back does not: {'; '.join(found)}")
        return "it was rolled back once, and everything was as before"

    def strike(self, _: str) -> str:
        self._carry_out(self.migration.apply, "applied")
        with self._connect() as link:
            found = inventory.differences(self._inventory(), inventory.take(link))
        return "; ".join(found)

    def acts(self) -> Mapping[str, Act]:
        return {"roll_back": self.roll_back, "verify": self.verify}

    def roll_back(self) -> str:
        self.resumed_s = self.clock()
        self._carry_out(self.migration.undo, "undone")
        with self._connect() as link:
            archive.pushed(link, ARCHIVES_S)  # else the archive may end between the two
        return f"carried out: {self.migration.undo}"

    def verify(self) -> str:
        """Raises NotProven."""
        if found := self.left_behind():
            raise NotProven("; ".join(found))
        return "every table, index, right and number is as it was"

    def heal(self) -> str:
        """By what the database says that it committed."""
        noted = self._noted()
        if noted is None:
            return ""
        self.migration = noted
        with self._connect() as link:
            is_in = _committed(link, noted.applied) and not _committed(link, noted.undone)
        if is_in:
            self._carry_out(noted.undo, "undone")
        self.file.unlink()
        return "the migration was rolled back" if is_in else "no migration was in"

    def left_behind(self) -> Sequence[str]:
        try:
            with self._connect() as link:
                return inventory.differences(self._inventory(), inventory.take(link))
        except psycopg.Error as error:
            return [f"the database cannot be read: {error}"]

    # -----------------------------------------------------------------------------------------------------------------
    def _carry_out(self, statement: str, what: str) -> None:
        with self._connect() as link, link.transaction():
            row = link.execute("SELECT pg_current_xact_id()::text").fetchone()
            assert row is not None
            self.migration = replace(self.migration, **{what: str(row[0])})
            put_down(self.file, asdict(self.migration))
            _carried_out(link, statement)

    def _noted(self) -> Migration | None:
        try:
            return Migration(**json.loads(self.file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def _connect(self) -> Connection:
        return self.ground.connect(self.migration.database)

    def _inventory(self) -> Inventory:
        assert self._was is not None
        return self._was


def _carried_out(link: Connection, statement: str) -> None:
    link.execute(f"SET LOCAL lock_timeout = '{LOCKS_S}s'".encode())  # else everybody would queue behind us
    link.execute(statement.encode())


def _committed(link: Connection, transaction: str) -> bool:
    if not transaction:
        return False
    row = link.execute("SELECT pg_xact_status(%s::xid8)", [transaction]).fetchone()
    return row == ("committed",)
