"""NailBook's migrations on a real PostgreSQL: they lead to what the lab begins with, one step down and up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fixtures.lab.systems.nailbook_line.database import OWNER, databases
from fixtures.platforms.postgres import inventory
from scenarios.drills.comeback import NotProven
from scenarios.drills.revisions import Schema
from tests.drills.database import Stand, stand, template

BACKEND = Path("fixtures/lab/systems/nailbook_line/backend").resolve()
NAMES = ("user", "password", "customer", "customer_password", "database", "database_owner", "token_key")
COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'
ORDER BY 1, 2"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
CREDENTIALS = {name: f"lab-{name}" for name in NAMES}


@pytest.fixture(scope="module")
def place() -> Iterator[Stand]:
    with template() as data, stand(data) as made:
        made.sql("CREATE DATABASE nailbook")
        (statements,) = databases(CREDENTIALS).values()
        with psycopg.connect(made.login.url("nailbook")) as database:
            for statement in statements:
                database.execute(statement.encode())
        yield made


def schema(place: Stand, database: str, role: str = OWNER) -> Schema:
    login = f"{role}:{CREDENTIALS['database_owner']}@{place.login.host}:{place.login.port}"
    return Schema(f"postgresql://{login}/{database}?sslmode=disable", BACKEND)


def tables(place: Stand, database: str) -> inventory.Inventory:
    with psycopg.connect(place.login.url(database)) as link:
        return inventory.take(link)


def test_the_schema_goes_one_migration_down_and_up_again(place: Stand) -> None:
    found, before = schema(place, "nailbook"), tables(place, "nailbook")
    assert found.at() == "0002"
    found.migrate("downgrade", "-1")
    assert found.at() == "0001"
    assert "table public.bookings" in " ".join(inventory.differences(before, tables(place, "nailbook")))
    found.migrate("upgrade", "0002")
    assert found.at() == "0002"
    assert inventory.differences(before, tables(place, "nailbook")) == []


def said(place: Stand, database: str) -> list[list[tuple[object, ...]]]:
    with psycopg.connect(place.login.url(database)) as link:
        return [link.execute(query.encode()).fetchall() for query in (COLUMNS, INDEXES)]


def test_the_migrations_lead_to_what_the_lab_begins_with(place: Stand) -> None:
    place.sql(f"CREATE DATABASE migrated OWNER {OWNER}")
    made = schema(place, "migrated")
    made.migrate("upgrade", "head")
    assert said(place, "migrated") == said(place, "nailbook")
    made.migrate("downgrade", "base")
    assert said(place, "migrated")[0] == [("alembic_version", "version_num", "character varying")]


def test_what_alembic_cannot_do_is_said(place: Stand) -> None:
    with pytest.raises(NotProven, match=r"alembic upgrade 0009 .* ended with"):
        schema(place, "nailbook").migrate("upgrade", "0009")
    with pytest.raises(NotProven, match="cannot be read"):
        schema(place, "nobody").at()
