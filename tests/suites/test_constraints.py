"""A table has the constraint that keeps bookings apart, as a real PostgreSQL's catalogue tells."""

from __future__ import annotations

import psycopg
import pytest

from fixtures.target import Credential, Sides
from fixtures.target.checks import ConstraintStands
from fixtures.target.environment import Stores
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import around
from tests.suites.servers import nobody

EXCLUDE = "EXCLUDE USING gist (during WITH &&)"
CHECK = ConstraintStands(
    check="constraint-stands", name="no-overlap", title="no overlap", source="§1",
    table="slots", constraint="no_overlap", kind="exclude",
)  # fmt: skip


def seen(url: str) -> Measurement:
    return measure(CHECK, around(stores=_stores(url)))


def slots(url: str, *constraints: str) -> None:
    with psycopg.connect(url) as database:
        database.execute("DROP TABLE IF EXISTS slots")
        database.execute("CREATE TABLE slots (during int4range)")
        for one in constraints:
            database.execute(f"ALTER TABLE slots ADD CONSTRAINT {one}".encode())


def test_the_constraint_that_is_there_is_shown(postgres: str) -> None:
    slots(postgres, f"no_overlap {EXCLUDE}")
    found = seen(postgres)
    assert (found.value, found.samples) == (0, 1), found.why
    assert any(f"no_overlap: {EXCLUDE}" in one.text for one in found.evidence)


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (f"another {EXCLUDE}", "has no such constraint"),
        ("no_overlap CHECK (NOT isempty(during))", "is check on slots"),
        ("no_overlap CHECK (true) NOT VALID", "is check on slots"),
    ],
)
def test_one_that_is_lost_or_another_breaks_the_promise(postgres: str, constraint: str, words: str) -> None:
    slots(postgres, constraint)
    found = seen(postgres)
    assert found.value == 1
    assert words in found.why


def test_one_that_old_rows_were_never_held_against_proves_nothing(postgres: str) -> None:
    slots(postgres, "no_overlap CHECK (NOT isempty(during)) NOT VALID")
    found = measure(CHECK.model_copy(update={"kind": "check"}), around(stores=_stores(postgres)))
    assert found.value == 1
    assert "never held against the rows" in found.why


def _stores(url: str) -> Stores:
    sides = Sides[Credential].model_construct(blue=Credential.of_lab(url), green=Credential.of_lab(url))
    return Stores().model_copy(update={"database": sides})


def test_without_the_table_or_the_server_nothing_is_known(postgres: str) -> None:
    with psycopg.connect(postgres) as database:
        database.execute("DROP TABLE IF EXISTS slots")
    found = seen(postgres)
    assert found.value is None
    assert "has no table slots" in found.why
    gone = seen(f"postgresql://x:y@{nobody()}/postgres")
    assert gone.value is None
    assert "cannot answer about slots" in gone.why
