"""A whole lab for those tests that break it, one for all of them; the others make do with small real servers."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import mend_all


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Of its own, or the one that VERDIGRIS_LAB names, to be quick by hand."""
    name = os.environ.get("VERDIGRIS_LAB", "")
    joined = Lab.join(name) if name else None
    if joined is not None:
        yield joined
        return
    started = Lab.start("hwayo", f"gate-{random.randrange(16**8):08x}")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def access(lab: Lab) -> Iterator[Access]:
    found = Access(lab.facts)
    mend_all(found)
    yield found
    found.close()
