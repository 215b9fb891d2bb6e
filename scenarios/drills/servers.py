"""The database server that an environment states under `servers`, with its backups."""

from __future__ import annotations

from collections.abc import Sequence

from fixtures.evidence import Missing
from fixtures.platforms.postgres.kept import KeptDatabase
from scenarios.surroundings import Surroundings

PASSWORD = "database_admin_password"


def database_of(around: Surroundings, databases: Sequence[str] = ()) -> KeptDatabase:
    """`databases`: those on it that are to come back. Raises Missing."""
    server = around.environment.servers.database
    if server is None:
        raise Missing(f"environment {around.environment.name} states no database under servers")
    return KeptDatabase(server, around.credential(PASSWORD), databases)
