"""Bookings in PostgreSQL, as an application makes them: look whether the slot is free, then insert. What keeps two who
looked at the same moment apart is a constraint of the table's, and nothing that the application does."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psycopg
from psycopg import errors

from fixtures.clock import wait_until
from scenarios.consistency.clients import Lost, Taken, Undone, Unreachable
from scenarios.consistency.history import Row, Slot

NAME = "verdigris-bookings"  # by which the server knows the clients' connections
FREE = "SELECT NOT EXISTS (SELECT FROM bookings WHERE staff = %s AND during && int4range(%s, %s))"
BOOK = "INSERT INTO bookings (key, staff, during) VALUES (%s, %s, int4range(%s, %s))"
OWN = "SELECT EXISTS (SELECT FROM bookings WHERE key = %s)"
ALL = "SELECT key, staff, lower(during), upper(during) FROM bookings"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()"
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s AND state = 'active'"


@dataclass
class Table:
    """One client's way to the table `bookings (key, staff, during)`; the connection is made when it is needed."""

    url: str
    connection: psycopg.Connection[tuple[object, ...]] | None = None

    def book(self, key: str, slot: Slot) -> None:
        connection = self._connected()
        try:
            free = connection.execute(FREE, (slot.whose, slot.begins, slot.ends)).fetchone()
        except psycopg.OperationalError as error:
            self.close()
            raise Lost(f"{error}") from error  # nothing of this try was sent, but a connection was lost
        if free != (True,):
            raise Taken(key)
        try:
            connection.execute(BOOK, (key, slot.whose, slot.begins, slot.ends))
        except errors.UniqueViolation:
            return  # our own, from a try whose answer was lost
        except errors.ExclusionViolation as error:
            raise Taken(key) from error
        except (errors.DeadlockDetected, errors.SerializationFailure, errors.QueryCanceled) as error:
            raise Undone(f"{error}") from error
        except psycopg.OperationalError as error:
            self.close()
            raise Lost(f"{error}") from error

    def holds(self, key: str) -> bool:
        connection = self._connected()
        try:
            return connection.execute(OWN, (key,)).fetchone() == (True,)
        except psycopg.OperationalError as error:
            self.close()
            raise Lost(f"{error}") from error

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(psycopg.Error):
                self.connection.close()
            self.connection = None

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        if self.connection is None:
            try:
                self.connection = connect(self.url, NAME)
            except psycopg.OperationalError as error:
                raise Unreachable(f"{error}") from error
        return self.connection


def connect(url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    """Each statement by itself, and none for more than 10 s."""
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=2,
        application_name=name,
        options="-c statement_timeout=10000",
    )


def cut(url: str) -> int:
    """End the connections of those clients that are in the middle of a statement: how many."""
    with connect(url, "verdigris-nemesis") as connection:
        row = connection.execute(CUT, (NAME,)).fetchone()
    return int(str(row[0])) if row else 0


def rows(url: str, timeout_s: float = 15.0) -> list[Row]:
    """What is there when nothing is under way any more. Raises TimedOut where something stays so."""
    with connect(url, "verdigris-reader") as connection:
        wait_until(lambda: connection.execute(OTHERS, (NAME,)).fetchone() == (0,), timeout_s, poll_s=0.02)
        found = connection.execute(ALL).fetchall()
    return [Row(str(key), Slot(int(str(who)), int(str(a)), int(str(b)))) for key, who, a, b in found]
