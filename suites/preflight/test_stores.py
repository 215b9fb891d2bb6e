"""The stores accept connections, and what is personal in them is encrypted."""

from __future__ import annotations

import pytest

from fixtures.target.checks import CacheAnswers, ColumnsEncrypted, ConstraintStands, DatabaseAccepts
from fixtures.target.guarded import SentinelsAgree
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_database_accepts(check: DatabaseAccepts, prove: Prove) -> None:
    """The database accepts a connection and answers a query in time."""
    prove(check)


def test_cache_answers(check: CacheAnswers, prove: Prove) -> None:
    """The cache answers a PING in time."""
    prove(check)


def test_columns_encrypted(check: ColumnsEncrypted, prove: Prove) -> None:
    """Whoever reads the tables alone learns nothing about people."""
    prove(check)


def test_constraint_stands(check: ConstraintStands, prove: Prove) -> None:
    """The database itself refuses what must not be, whatever the application does."""
    prove(check)


def test_sentinels_agree(check: SentinelsAgree, prove: Prove) -> None:
    """Whoever watches over the cache could fail it over now."""
    prove(check)
