"""Disasters on a real database: each strikes once, says how one sees that it did, and from where one comes back.

Nothing is destroyed that is not elsewhere: data that are "gone" lie aside until the drill is proven, and a page or a
table is only harmed when a sound backup has been read in full.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import psycopg

from fixtures.platforms.postgres.backups import Recovery
from scenarios.drills.ground import Ground, Ledger, aside_of

PAGE_BYTES = 8192


class Disaster(Protocol):
    def strike(self, ground: Ground, ledger: Ledger) -> None: ...

    def bit(self, ground: Ground) -> str:
        """What shows that it happened; "" where nothing does."""
        ...

    def way_back(self, ledger: Ledger) -> Recovery | None:
        """How to restore; None where the data are whole and only have to be served again."""
        ...


class ProcessKilled:
    """The server dies without clean-up, as when the power goes. Its data are whole."""

    def strike(self, ground: Ground, _: Ledger) -> None:
        ground.kill()

    def bit(self, ground: Ground) -> str:
        return "" if ground.is_serving() else "the server's process is gone"

    def way_back(self, _: Ledger) -> None:
        return None


class DirectoryDeleted:
    """The data folder is gone, with the log that was not archived yet."""

    def strike(self, ground: Ground, ledger: Ledger) -> None:
        data = ground.data()
        aside = aside_of(data)
        ledger.update(aside=str(aside))
        ground.kill()  # a running server would keep its files open, wherever they are moved
        data.rename(aside)

    def bit(self, ground: Ground) -> str:
        return "" if ground.data().exists() else f"{ground.data().name} is not there"

    def way_back(self, _: Ledger) -> Recovery:
        return Recovery()


class TableDropped:
    """A migration drops a table. The server serves on; what it took since is lost with the way back."""

    def __init__(self, database: str, table: str) -> None:
        self._database, self._table = database, table

    def strike(self, ground: Ground, ledger: Ledger) -> None:
        with ground.connect(self._database) as link, link.transaction():
            link.execute(b"SET LOCAL lock_timeout = '5s'")  # else everybody would queue behind us
            # Once we have the lock, nobody writes to it: the moment is after their last write, and before the drop.
            link.execute(f"LOCK TABLE {self._table} IN ACCESS EXCLUSIVE MODE".encode())
            row = link.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
            assert row is not None
            ledger.update(until_s=float(str(row[0])), is_harmed=True, table=f"{self._database} {self._table}")
            link.execute(f"DROP TABLE {self._table} CASCADE".encode())

    def bit(self, ground: Ground) -> str:
        with ground.connect(self._database) as link:
            row = link.execute("SELECT to_regclass(%s)", [self._table]).fetchone()
        return f"{self._table} is not there" if row == (None,) else ""

    def way_back(self, ledger: Ledger) -> Recovery:
        return with_its_log(ledger)


class PageCorrupted:
    """The disk gives back something else for a page than was written to it. Found by its checksum, when it is read."""

    def __init__(self, database: str, table: str) -> None:
        self._database, self._table = database, table

    def strike(self, ground: Ground, ledger: Ledger) -> None:
        with ground.connect(self._database) as link:
            row = link.execute("SELECT pg_relation_filepath(%s)", [self._table]).fetchone()
        assert row is not None
        file = ground.data() / str(row[0])
        ledger.update(is_harmed=True)
        # Not killed: the recovery of a crash would put the page back from the log, and a server that runs from memory.
        ground.hold()
        with file.open("r+b") as page:
            page.seek(PAGE_BYTES // 2)
            page.write(os.urandom(64))
            os.fsync(page.fileno())
        ground.serve(ground.data())

    def bit(self, ground: Ground) -> str:
        try:
            with ground.connect(self._database) as link:
                # Of its rows: how many there are, an index alone can tell.
                link.execute(f"SELECT count(one) FROM {self._table} AS one".encode())
        except psycopg.Error as error:
            return str(error).strip().splitlines()[0]
        return ""

    def way_back(self, ledger: Ledger) -> Recovery:
        """The log is whole, also what did not come to the archive."""
        return with_its_log(ledger)


def with_its_log(ledger: Ledger) -> Recovery:
    """To the moment that was noted, with what the server wrote and had not archived yet."""
    note = ledger.note()
    assert note is not None
    return Recovery(note.until_s, Path(note.original) / "pg_wal")
