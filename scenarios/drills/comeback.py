"""The way back of a database: the newest sound backup into a folder of its own, proven before any client sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from fixtures.platforms.backups import Backup, NotRestored
from fixtures.platforms.postgres import archive, inventory
from fixtures.platforms.postgres.backups import BaseBackups, Recovery
from fixtures.platforms.postgres.inventory import Inventory
from scenarios.drills import doors
from scenarios.drills.ground import Connection, Ground, Ledger, fresh
from scenarios.drills.journal import Clock

# Ids that were given to writes which are lost must not be given again: somebody wrote them down.
SKIPPED_IDS = 10_000
NOTHING = "0/0"  # was replayed
EMERGENCY = "emergency-"  # how snapshots of what is harmed are called: nobody restores from them


class NotProven(Exception):
    """What was restored is not what was there; the message names every difference."""


@dataclass
class Comeback:
    """One recovery, step by step. `was`: the inventories from before; `how`: to which moment."""

    ground: Ground
    ledger: Ledger
    was: Mapping[str, Inventory]
    how: Recovery | None  # None: the data are whole
    clock: Clock
    resumed_s: float = float("inf")  # when the restored data began to take writes
    reaches_s: float | None = None  # the last change that was brought back
    backup: Backup | None = None
    into: Path | None = None
    said: list[str] = field(default_factory=list)
    taken: list[Backup] = field(default_factory=list)  # snapshots of what is harmed

    def choose(self) -> str:
        """The newest backup that can be read in full, and is not of after the moment. Raises NotRestored."""
        self.backup, refused = newest_sound(self.ground.backups, self.how.until_s if self.how else None)
        self.said += refused
        age_s = self.clock() - self.backup.ended_s
        return "; ".join([f"{self.backup.id}, {age_s:.0f} s old, read in full", *refused])

    def restore(self) -> str:
        """Raises NotProven where what was restored is not what was there."""
        self.ground.hold()
        backup, self.into = self.laid_out()
        ends = self.ground.backups.ends(backup)  # before what was restored archives a history of its own
        with self.ground.beside(self.into) as server:
            with server.connect(self.ground.databases[0]) as link:
                self.reaches_s = max(last_change_s(link), backup.ended_s)
                older = self._older(link, ends)
            for database in self.ground.databases:
                with server.connect(database) as link:
                    move_ids_on(link)
            lacking = [*older, *self.lacking(server.connect, shut=True)]
        if lacking:
            raise NotProven("; ".join([*lacking, *self.said]))
        age_s = self.clock() - self.reaches_s
        what = f"{backup.id} and its log, up to {age_s:.0f} s ago, every table and right in its place"
        return "; ".join([what, *self.said])

    def laid_out(self) -> tuple[Backup, Path]:
        """The backup, in a folder of its own that a server can be started on."""
        if self.backup is None:
            self.choose()
        assert self.backup is not None
        gaps = self.ground.backups.gaps(self.backup)
        if gaps:
            self.said.append(
                f"the archive lacks {', '.join(gaps)}: whatever was written from then on is lost"
            )
        into = fresh(Path(self.ground.data()))
        self.ledger.update(restored=str(into))
        self.ground.backups.restore(self.backup, into, self.how or Recovery())
        return self.backup, into

    def connect(self) -> str:
        """From here on clients see what was restored, or again what was whole. Raises NotProven where an id would be
        given again."""
        served = self.ground.data() if self.how is None else self.into
        if served is None:
            raise NotRestored("there is nothing restored to connect to")
        self.resumed_s = self.clock()
        self.ground.serve(served)
        self.let_in()
        for database in self.ground.databases:
            with self.ground.connect(database) as link:
                # At once: where writes are refused for an id that is taken, each takes it a step further.
                if found := inventory.behind(link):
                    raise NotProven("; ".join(found))
        return f"{served.name} serves"

    def let_in(self) -> None:
        """Users of databases that were shut meanwhile."""
        if note := self.ledger.note():
            doors.opened(self.ground, note.limits)

    def verify(self) -> str:
        """What clients reach has every table, right and number in its place. Raises NotProven."""
        if lacking := self.lacking(self.ground.connect):
            raise NotProven("; ".join(lacking))
        return f"{', '.join(self.was)}: every table and right in its place"

    def snapshot(self) -> str:
        """Of how it is now, before anything is put back."""
        taken = self.ground.backups.take(f"{EMERGENCY}{time.strftime('%Y%m%d%H%M%S', time.gmtime())}")
        self.taken.append(taken)
        return f"{taken.id}, {taken.size_bytes:,} bytes"

    def discard(self) -> None:
        """Its snapshots, when all that may be in them is proven to be back."""
        backups = self.ground.backups
        if self.taken:
            backups.prune([one for one in backups.backups() if one not in self.taken])

    def acts(self) -> dict[str, Callable[[], str]]:
        """By the names of steps."""
        return {
            "choose": self.choose,
            "snapshot": self.snapshot,
            "restore": self.restore,
            "connect": self.connect,
            "verify": self.verify,
        }

    def lacking(self, connect: Callable[[str], Connection], *, shut: bool = False) -> list[str]:
        """What there is not as it was, by name. `shut`: nobody was let in again yet."""
        found = []
        for database, was in self.was.items():
            with connect(database) as link:
                seen = inventory.differences(was, inventory.take(link), shut=shut)
            found += [f"{database}: {one}" for one in seen]
        return found

    def _older(self, link: Connection, ends: str) -> list[str]:
        """Whether recovery stopped before the archive did: no row is missing by name, and yet it is an older state."""
        row = link.execute("SELECT pg_last_wal_replay_lsn()::text").fetchone()
        assert row is not None
        is_older = ends and (self.how is None or self.how.until_s is None)
        if is_older and archive.place_of(str(row[0] or NOTHING)) < archive.number(ends):
            return [
                f"an older state was brought back: it ends at {row[0]}, and the archive goes on to {ends}"
            ]
        return []


def newest_sound(backups: BaseBackups, until_s: float | None) -> tuple[Backup, list[str]]:
    """With what was wrong with the newer ones. Raises NotRestored."""
    refused = []
    for one in reversed(backups.backups()):
        if one.id.startswith(EMERGENCY):
            continue
        if until_s is not None and one.ended_s > until_s:
            refused.append(f"{one.id} is of after the moment")
        elif faults := backups.faults(one):
            refused.append(
                f"{one.id} is corrupt: {faults[0]}" + (f" and {len(faults) - 1} more" if faults[1:] else "")
            )
        else:
            return one, refused
    raise NotRestored("; ".join(["there is no sound backup", *refused]))


def inventories(ground: Ground) -> dict[str, Inventory]:
    found = {}
    for database in ground.databases:
        with ground.connect(database) as link:
            found[database] = inventory.take(link)
    return found


def last_change_s(link: Connection) -> float:
    """The newest change that recovery carried out, in unix seconds; 0 where the log held none."""
    row = link.execute("SELECT extract(epoch FROM pg_last_xact_replay_timestamp())::float").fetchone()
    return 0.0 if row is None or row[0] is None else float(str(row[0]))


def move_ids_on(link: Connection, by: int = SKIPPED_IDS) -> Sequence[str]:
    """Every sequence, by so many; their names."""
    found = link.execute("SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences").fetchall()
    names = [str(name) for (name,) in found]
    for name in names:
        move = sql.SQL("SELECT setval({}, last_value + {}) FROM {}")
        link.execute(move.format(name, by, sql.SQL(name)))  # PostgreSQL itself has quoted the name
    return names
