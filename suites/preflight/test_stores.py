"""The stores accept connections."""

from __future__ import annotations

import pytest

from fixtures.target.checks import CacheAnswers, DatabaseAccepts
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_database_accepts(check: DatabaseAccepts, prove: Prove) -> None:
    """The database accepts a connection and answers a query in time."""
    prove(check)


def test_cache_answers(check: CacheAnswers, prove: Prove) -> None:
    """The cache answers a PING in time."""
    prove(check)
