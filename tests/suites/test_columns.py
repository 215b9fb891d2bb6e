"""Personal data is encrypted, as a real PostgreSQL counts it: no value leaves the database."""

from __future__ import annotations

import psycopg
import pytest
from cryptography.fernet import Fernet

from fixtures.target import Credential, Sides
from fixtures.target.environment import Stores
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import around, the_check
from tests.suites.servers import nobody

SEALED = [Fernet(Fernet.generate_key()).encrypt(name.encode()).decode() for name in ("王小明", "A. Nonymous")]


def seen(url: str, *columns: str) -> Measurement:
    sides = Sides[Credential].model_construct(blue=Credential.of_lab(url), green=Credential.of_lab(url))
    stated = Stores().model_copy(update={"database": sides})
    return measure(
        the_check("names-encrypted", columns=columns or ("users.display_name",)), around(stores=stated)
    )


def people(url: str, *names: str | None) -> None:
    with psycopg.connect(url) as database:
        database.execute("DROP TABLE IF EXISTS users")
        database.execute("CREATE TABLE users (display_name text, phone text)")
        database.cursor().executemany("INSERT INTO users VALUES (%s, NULL)", [(name,) for name in names])


def test_a_column_of_nothing_but_ciphertext_is_encrypted(postgres: str) -> None:
    people(postgres, *SEALED, None, "")
    found = seen(postgres)
    assert (found.value, found.samples) == (0, 1), found.why
    assert any("users.display_name: 2 values looked at" in one.title for one in found.evidence)


@pytest.mark.parametrize(
    "name", ["王大明", f"{SEALED[0]} 王大明", SEALED[0][:40]], ids=["plain", "beside a sealed one", "cut off"]
)
def test_a_name_in_the_open_is_counted_and_not_shown(postgres: str, name: str) -> None:
    people(postgres, *SEALED, name)
    found = seen(postgres)
    assert found.value == 1
    assert "users.display_name: 1 of 3 values are not encrypted" in found.why
    assert name not in str(found)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("users.phone", "users.phone of 127."),
        ("users.nothing", "has no users.nothing"),
        ("nobodies.name", "has no nobodies.name"),
        ('users.display_name" IS NULL; --', "has no users"),
    ],
)
def test_a_column_that_is_empty_or_not_there_is_no_evidence(postgres: str, column: str, words: str) -> None:
    people(postgres, *SEALED)
    found = seen(postgres, "users.display_name", column)
    assert found.value is None
    assert words in found.why


def test_a_database_that_does_not_answer_or_refuses_is_no_evidence(postgres: str) -> None:
    assert "cannot answer about users.display_name" in seen(f"postgresql://x:y@{nobody()}/z").why
    people(postgres, *SEALED)
    with psycopg.connect(postgres) as database:
        database.execute("DROP ROLE IF EXISTS stranger")
        database.execute("CREATE ROLE stranger LOGIN PASSWORD 'pass-word'")
    url = f"postgresql://stranger:pass-word@{postgres.rpartition('@')[2]}"
    found = seen(url)
    assert found.value is None
    assert "does not let us read users.display_name" in found.why
