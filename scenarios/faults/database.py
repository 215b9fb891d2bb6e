"""Faults of the side's database: closed, full, or slow. The server and the other side's database go on."""

from __future__ import annotations

import time
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from fixtures.evidence import Missing, NoEvidence, Unreachable
from fixtures.platforms.changes import Ref
from fixtures.target.faults import ConnectionsExhausted, DatabaseSlowed, DatabaseStopped, FaultOrder
from scenarios.faults.acts import Act, Hold, Say
from scenarios.faults.radius import Forbidden, Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

D = TypeVar("D", bound=FaultOrder)
TIMEOUT_S = 3
TRIES = 3
FULL = "53300"  # SQLSTATE too_many_connections
RIGHTS = (Right("Namespace", ("update",)),)
OWNER = "the side's database and its owner's credential, `stores.database_owner`"
SETTINGS = "SELECT datallowconn, datconnlimit FROM pg_database WHERE datname = current_database()"
TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
      AND has_table_privilege(format('%I.%I', schemaname, tablename), 'UPDATE') ORDER BY 1, 2"""
HOLDING = """
DO $hold$ DECLARE until timestamptz := clock_timestamp() + interval '%s seconds'; BEGIN
  WHILE clock_timestamp() < until LOOP
    LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE;
    PERFORM pg_sleep({by_s});
    COMMIT;
    PERFORM pg_sleep({gap_s});
  END LOOP;
END $hold$"""


class OfDatabase(OfService[D]):
    """Asked as the application asks: with its credential, by a connection made anew each time."""

    def plan(self) -> Plan:
        self.must_be_ours_alone()
        self.remember()
        felt_by = self.everyone()
        return Plan((self.act(),), self.victims(felt_by), len(felt_by))

    def act(self) -> Act:
        raise NotImplementedError

    def effect(self) -> str:
        raise NotImplementedError

    def must_be_ours_alone(self) -> None:
        """Raises Forbidden where the other side has the same one: its users, whom nobody moved, would be harmed too."""
        other = self.around.other_side
        if "other-side" in self.around.environment.absent:
            return
        if _place(self.around.store("database", other)) == _place(self.url):
            raise Forbidden(f"{self.name}: the database is {other}'s too")

    @property
    def space(self) -> Ref:
        return Ref("Namespace", "", self.namespace)

    @property
    def url(self) -> str:
        return self.around.store("database", self.around.side)

    def connected(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            self.url, connect_timeout=TIMEOUT_S, options=f"-c statement_timeout={TIMEOUT_S}s"
        )

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Raises Unreachable."""
        try:
            with self.connected() as database:
                return database.execute(query.encode()).fetchall()
        except psycopg.Error as error:
            raise Unreachable(f"the database does not answer: {' '.join(str(error).split())}") from error

    def is_over(self) -> bool:
        return not self.effect() and self.all_well()


class Closed(OfDatabase[D]):
    """A setting of the database, which its owner changes and puts back."""

    _settings: tuple[object, ...] = ()

    def act(self) -> Act:
        self.around.store("database_owner", self.around.side)  # stated, or there is nobody to do it
        ((allows, limit),) = self.ask(SETTINGS)
        self._settings = (allows, limit)
        told = urlsplit(self.url)
        database = sql.Identifier(unquote(told.path.lstrip("/")))
        role = sql.Literal(unquote(told.username or ""))
        ends = sql.SQL(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND usename = {}"
        ).format(sql.Literal(unquote(told.path.lstrip("/"))), role)
        harm, undo = (
            sql.SQL("ALTER DATABASE {} ").format(database) + sql.SQL(text)
            for text in self.words(int(str(limit)))
        )
        statements = tuple(one.as_string(None) for one in (harm, ends, undo))
        side = str(self.around.side)
        return Say(self.space, "database_owner", side, statements[:2], statements[2:])

    def words(self, limit: int) -> tuple[str, str]:
        """What is set, and what was."""
        raise NotImplementedError

    def refused(self) -> psycopg.OperationalError | None:
        """Why a new connection is not let in, where it is not."""
        try:
            self.connected().close()
        except psycopg.OperationalError as error:
            return error
        return None

    def is_over(self) -> bool:
        try:
            return super().is_over() and self.ask(SETTINGS) == [self._settings]
        except NoEvidence:
            return False


@puts_in(
    DatabaseStopped,
    Declared(
        touches="whether the side's database takes connections; those of the application are ended",
        seen_by="the application's credential, which no new connection is made for",
        heals="it takes connections again",
        rights=RIGHTS,
        needs=OWNER,
    ),
)
class Stopped(Closed[DatabaseStopped]):
    def words(self, limit: int) -> tuple[str, str]:  # noqa: ARG002 - it stays
        return "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"

    def effect(self) -> str:
        refused = self.refused()
        return f"a new connection is refused: {_line(refused)}" if refused else ""


@puts_in(
    ConnectionsExhausted,
    Declared(
        touches="how many connections the side's database takes; those of the application are ended",
        seen_by="the application's credential: a new connection is refused for there being too many",
        heals="the limit that it had",
        rights=RIGHTS,
        needs=OWNER,
    ),
)
class Exhausted(Closed[ConnectionsExhausted]):
    def words(self, limit: int) -> tuple[str, str]:
        return f"CONNECTION LIMIT {self.order.left}", f"CONNECTION LIMIT {limit}"

    def effect(self) -> str:
        refused = self.refused()
        if refused is None or (refused.sqlstate != FULL and "too many connections" not in str(refused)):
            return ""
        return f"a new connection is refused: {_line(refused)}"


@puts_in(
    DatabaseSlowed,
    Declared(
        touches="nothing that is kept: a connection of ours holds the application's tables, lets go, holds them again",
        seen_by="a table of the application's, read by a new connection, answers that much later",
        heals="that connection is ended; it ends by itself when the fault's time is up",
        rights=RIGHTS,
        needs="a role that may hold its tables: whoever may update them may",
    ),
)
class Slowed(OfDatabase[DatabaseSlowed]):
    _tables: tuple[sql.Composable, ...] = ()

    def act(self) -> Act:
        found = self.ask(TABLES)
        if not found:
            raise Missing("the application's role may hold none of its tables")
        self._tables = tuple(sql.Identifier(str(schema), str(table)) for schema, table in found)
        by_s = self.order.by.amount
        statement = HOLDING.format(
            tables=sql.SQL(", ").join(self._tables).as_string(None), by_s=by_s, gap_s=by_s / 10
        )
        return Hold(self.space, "database", str(self.around.side), statement)

    def effect(self) -> str:
        took_s = self.slowest_s()
        return f"a table answers after {took_s:.2f} s" if took_s >= self.order.by.amount / 2 else ""

    def slowest_s(self) -> float:
        """Of a few reads of one row, each of which may fall between two holds."""
        found = self._tables or tuple(
            sql.Identifier(str(schema), str(table)) for schema, table in self.ask(TABLES)
        )
        query = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(found[0]).as_string(None)
        slowest_s = 0.0
        for _ in range(TRIES):
            begun = time.monotonic()
            self.ask(query)
            slowest_s = max(slowest_s, time.monotonic() - begun)
        return slowest_s


def _place(url: str) -> tuple[str | None, int | None, str]:
    told = urlsplit(url)
    return told.hostname, told.port, told.path


def _line(error: Exception | None) -> str:
    return " ".join(str(error).split())[:160]
