"""A database as of a moment, restored by RDS to an instance of its own, looked at there, and deleted again.

Nothing is lost for it: what is practised is that one can go back. The instance is noted before it is asked for, because
one that is forgotten costs money every hour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from fixtures.clock import Clock as Waiting
from fixtures.clock import SystemClock, TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.platforms.postgres import inventory
from fixtures.platforms.postgres.inventory import Inventory
from fixtures.platforms.rds import Rds
from scenarios.drills.comeback import NotProven
from scenarios.drills.ground import Connection
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.noted import Noted
from scenarios.drills.practice import NotBegun, NoWayBack
from scenarios.drills.runbook import Act

REACHES_S = 900.0  # RDS has its log five minutes later, as a rule
ASKS_S = 15.0


@dataclass
class OfMoment(Noted):
    """`into`: the instance to restore to; `connect`: to our database at a host, "" being the one that serves."""

    rds: Rds
    into: str
    connect: Callable[[str], Connection]
    file: Path
    clock: Clock
    waiting: Waiting = field(default_factory=SystemClock)
    may_go_unfelt: bool = True
    moment_s: float = 0.0
    host: str = ""
    _before: Inventory | None = None
    _after: Inventory | None = None

    def fit(self) -> str:
        self.must_be_over()
        reach = self.rds.reach()
        if reach.from_s is None or reach.until_s is None:
            raise NoWayBack(f"{self.rds.place}: there is no moment that one can go back to")
        if self.rds.is_there(self.into):
            raise NotBegun(f"there is an instance {self.into} already")
        return f"{self.rds.place}: from {_said(reach.from_s)} to {_said(reach.until_s)}"

    def strike(self, _: str) -> str:
        """The moment that is asked for, with what was there right before it and right after."""
        put_down(self.file, {"into": self.into})
        with self.connect("") as link:
            self._before = inventory.take(link)
            row = link.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
            assert row is not None
            self.moment_s = float(str(row[0]))
            self._after = inventory.take(link)
        return f"the state of {_said(self.moment_s)} is asked for"

    def acts(self) -> Mapping[str, Act]:
        return {"restore": self.restore, "compare": self.compare, "remove": self.remove}

    # --- the steps ---------------------------------------------------------------------------------------------------
    def restore(self) -> str:
        """Raises NotRestored, NotProven where the log does not come so far."""
        try:
            wait_until(
                lambda: (self.rds.reach().until_s or 0) >= self.moment_s, REACHES_S, self.waiting, ASKS_S
            )
        except TimedOut as late:
            raise NotProven(f"the log did not reach {_said(self.moment_s)} within {REACHES_S:g} s") from late
        self.host = self.rds.restore_to(self.moment_s, self.into)
        return f"{self.into} is available at {self.host}"

    def compare(self) -> str:
        """Raises NotProven where anything is not as it was then."""
        try:
            with self.connect(self.host) as link:
                now = inventory.take(link)
        except psycopg.Error as error:
            raise NotProven(f"{self.into} cannot be read: {error}") from error
        if found := [*inventory.differences(self._were(self._before), now), *self._rows(now)]:
            raise NotProven("; ".join(found))
        return f"{len(now.rows)} tables with {sum(now.rows.values()):,} rows, as of {_said(self.moment_s)}"

    def remove(self) -> str:
        self.rds.remove(self.into)
        return f"{self.into} is deleted"

    # --- the end -----------------------------------------------------------------------------------------------------
    def heal(self) -> str:
        if not self.file.exists():
            return ""
        was_there = self.rds.is_there(self.into)
        self.rds.remove(self.into)
        self.clear()
        return f"{self.into} was deleted" if was_there else ""

    def left_behind(self) -> Sequence[str]:
        return [f"the instance {self.into} is there"] if self.rds.is_there(self.into) else []

    # -----------------------------------------------------------------------------------------------------------------
    def _rows(self, now: Inventory) -> list[str]:
        """Users write on while the moment is noted: what was there then lies between the two counts."""
        before, after = self._were(self._before).rows, self._were(self._after).rows
        found = []
        for table, rows in now.rows.items():
            least, most = sorted((before.get(table, 0), after.get(table, 0)))
            if not least <= rows <= most:
                between = f"{least:,}" if least == most else f"{least:,} to {most:,}"
                found.append(f"{table} has {rows:,} rows, and had {between}")
        return found

    def _were(self, seen: Inventory | None) -> Inventory:
        if seen is None:
            raise Missing("no moment was asked for")
        return seen


def _said(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%SZ}"
