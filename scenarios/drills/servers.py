"""Who keeps the database that an environment states under `servers`, and its backups."""

from __future__ import annotations

from collections.abc import Sequence

from fixtures.evidence import Missing
from fixtures.platforms.backups import Keeper
from fixtures.platforms.postgres.kept import KeptDatabase
from fixtures.platforms.rds import Rds
from scenarios.surroundings import Surroundings, account_of

PASSWORD = "database_admin_password"


def keeper_of(around: Surroundings) -> Keeper:
    """Whoever keeps the database's backups: RDS where the environment names its instance, or the server itself. Raises
    Missing."""
    return database_of(around).backups if around.environment.servers.rds is None else rds_of(around)


def rds_of(around: Surroundings) -> Rds:
    """Raises Missing."""
    told = around.environment.servers.rds
    if told is None:
        raise Missing(f"environment {around.environment.name} states no instance of RDS under servers")
    return Rds(account_of(around.environment), told, around.clock)


def database_of(around: Surroundings, databases: Sequence[str] = ()) -> KeptDatabase:
    """`databases`: those on it that are to come back. Raises Missing."""
    server = around.environment.servers.database
    if server is None:
        raise Missing(f"environment {around.environment.name} states no database under servers")
    return KeptDatabase(server, around.credential(PASSWORD), databases)
