"""Whether a database lets its users in: shut while it is being saved, and open again whoever shut it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from scenarios.drills.ground import Connection, Ground

LIMIT = "SELECT datname, datconnlimit FROM pg_database WHERE datname = ANY(%s)"


def limits(link: Connection, databases: Sequence[str]) -> dict[str, int]:
    """How many connections each lets in; -1 is as many as there are."""
    found = link.execute(LIMIT, [list(databases)]).fetchall()
    return {str(name): int(str(limit)) for name, limit in found}


def shut(link: Connection, databases: Sequence[str]) -> None:
    """To all but the superuser."""
    _set(link, dict.fromkeys(databases, 0))


def opened(ground: Ground, were: Mapping[str, int]) -> None:
    """Each lets in as many as it did."""
    if were:
        with ground.connect("postgres") as link:
            there = limits(link, [*were])
            _set(link, {name: limit for name, limit in were.items() if there.get(name, limit) != limit})


def _set(link: Connection, wanted: Mapping[str, int]) -> None:
    for name, limit in wanted.items():
        asked = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
        link.execute(asked.format(sql.Identifier(name), sql.Literal(limit)))
