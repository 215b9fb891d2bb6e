"""What recovery rests on is there before anything is lost: backups, their archive, and an error budget."""

from __future__ import annotations

import pytest

from fixtures.target.upkeep import BackupsArchived, BackupsKept, CopiesEncrypted, ErrorBudget
from suites.conftest import Prove

pytestmark = pytest.mark.usefixtures("scene")  # where there are no nights, the backup job has done its work


def test_backups_are_kept(check: BackupsKept, prove: Prove) -> None:
    """As often and for as long as is planned, up to now."""
    prove(check)


def test_the_log_is_archived(check: BackupsArchived, prove: Prove) -> None:
    """In time, and without a gap after the newest backup."""
    prove(check)


def test_copies_are_encrypted(check: CopiesEncrypted, prove: Prove) -> None:
    """Each of them, by its own word."""
    prove(check)


def test_the_error_budget_is_not_spent(check: ErrorBudget, prove: Prove) -> None:
    """Over the real time for which availability is promised."""
    prove(check)
