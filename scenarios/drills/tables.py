"""The way back of a dropped table: the server restored beside, to the moment before, and the table copied out of it.

The server that lost it serves on: what others wrote to it meanwhile is theirs, and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from fixtures.platforms.postgres import archive
from scenarios.drills.comeback import Comeback, NotProven, last_change_s
from scenarios.drills.ground import BesideServer, Connection, Ground

COPIES_S = 600.0
ARCHIVES_S = 10.0
FILE = "table.sql"
NAMED = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(%s)"""
# Views that are made of it, and those that are made of these: dropped with it.
VIEWS = """
    WITH RECURSIVE made(oid) AS (
      SELECT to_regclass(%s)::oid
      UNION SELECT r.ev_class FROM made JOIN pg_depend d ON d.refobjid = made.oid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid)
    SELECT n.nspname, c.relname FROM made JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm')"""
# Others' constraints that refer to it: dropped with it, and no part of it.
REFERRING = """
    SELECT format('ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s;',
                  n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid))
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE o.contype = 'f' AND o.confrelid = to_regclass(%s) AND o.conrelid <> o.confrelid AND o.conparentid = 0"""

# How many rows, and a sum over all that is in them, whatever their order.
CONTENT = sql.SQL(
    "SELECT count(*) || ' rows with the sum ' || coalesce(sum(hashtextextended(one_row::text, 0)::numeric), 0) "
    "AS said, count(*) AS rows FROM {} AS one_row"
)
# In the transaction that brings it back: what is not as it was is not there at all.
PROOF = sql.SQL(
    "DO $proof$ DECLARE seen record; BEGIN {now} INTO seen; IF seen.said IS DISTINCT FROM {was} THEN "
    "RAISE EXCEPTION 'the table has %, and had %', seen.said, {was}; END IF; END $proof$;"
)


@dataclass
class TableBack(Comeback):
    """`table`: "DATABASE TABLE"."""

    table: str = ""

    def restore(self) -> str:
        """Raises NotProven where what was copied is not what was there."""
        backup, into = self.laid_out()
        with self.ground.beside(into, archives=False) as server:
            with server.connect(self.table.partition(" ")[0]) as link:
                self.reaches_s = max(last_change_s(link), backup.ended_s)
            self.resumed_s = self.clock()  # from here on it is there, and may be written to
            rows = copied(self.ground, server, self.table, into)
        if lacking := self.lacking(self.ground.connect, shut=True):
            raise NotProven("; ".join([*lacking, *self.said]))
        what = (
            f"{rows:,} rows of {self.table.partition(' ')[2]} from {backup.id} and its log, as of just before"
        )
        return "; ".join([what, *self.said])

    def connect(self) -> str:
        """The server never left its address."""
        self.let_in()
        with self.ground.connect(self.table.partition(" ")[0]) as link:
            # Until it is there, the archive ends with a table that is gone, or with a database that lets nobody in.
            late = "" if archive.pushed(link, ARCHIVES_S) else "; not in the archive yet"
        return f"{self.ground.data().name} serves, with all that others wrote to it meanwhile{late}"


def copied(ground: Ground, server: BesideServer, table: str, into: Path) -> int:
    """All of it in one transaction, with what was dropped because of it; how many rows. `into`: where `server` has its
    data. Raises NotProven, ProgramFailed."""
    database, _, name = table.partition(" ")
    programs, login = ground.backups.programs, ground.backups.login
    file = into / FILE
    with server.connect(database) as link:
        tables, referring = _parts(link, name)
        content = CONTENT.format(sql.Identifier(*tables[0]))
        row = link.execute(content).fetchone()
        assert row is not None
        proof = PROOF.format(now=content, was=sql.Literal(str(row[0]))).as_string(link)
    wanted = [f'--table="{schema}"."{one}"' for schema, one in tables]
    file.touch()
    programs.own(file)
    programs.run(
        "pg_dump", *wanted, f"--file={file}", database,
        timeout_s=COPIES_S, settings=server.login.settings,
    )  # fmt: skip
    with file.open("a", encoding="utf-8") as dump:
        dump.writelines(f"{one}\n" for one in (*referring, proof))
    programs.run(
        "psql", "--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={file}", database,
        timeout_s=COPIES_S, settings=login.settings,
    )  # fmt: skip
    return int(str(row[1]))


def _parts(link: Connection, name: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The table and its views, by schema and name; and statements that make others refer to it again."""
    found = link.execute(NAMED.encode(), [name]).fetchall()
    if not found:
        raise NotProven(f"what was restored has no table {name}")
    views = link.execute(VIEWS.encode(), [name]).fetchall()
    ((schema, table),) = found
    link.execute(b"SET search_path = ''")  # everything by its full name
    referring = link.execute(REFERRING.encode(), [f'"{schema}"."{table}"']).fetchall()
    return [(str(a), str(b)) for a, b in (*found, *views)], [str(one) for (one,) in referring]
