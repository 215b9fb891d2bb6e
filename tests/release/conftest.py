"""A whole lab for what is checked against a real front door and a real Prometheus; the rest makes do with less."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from fixtures.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Of its own, or the one that VERDIGRIS_LAB names, to be quick by hand."""
    name = os.environ.get("VERDIGRIS_LAB", "")
    joined = Lab.join(name) if name else None
    if joined is not None:
        yield joined
        return
    started = Lab.start("hwayo", f"release-{random.randrange(16**8):08x}")
    yield started
    started.stop()
