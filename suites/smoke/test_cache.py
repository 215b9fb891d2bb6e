"""The cache is good for something."""

from __future__ import annotations

import pytest

from fixtures.target.coverage import CacheUsed
from suites.conftest import Prove

pytestmark = pytest.mark.smoke


def test_cache_used(check: CacheUsed, prove: Prove) -> None:
    """What was read once comes from the cache from then on."""
    prove(check)
