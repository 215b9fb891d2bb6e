"""A whole lab for tests that break one: of their own, or the one that VERDIGRIS_LAB names, to be quick by hand."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect, mend_all, put_in


@contextmanager
def a_lab(purpose: str, system: str = "hwayo") -> Iterator[Lab]:
    """While it is up. One that was joined stays up."""
    name = os.environ.get("VERDIGRIS_LAB", "")
    if joined := Lab.join(name) if name else None:
        yield joined
        return
    started = Lab.start(system, f"{purpose}-{random.randrange(16**8):08x}")
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def a_way_in(lab: Lab) -> Iterator[Access]:
    """To a lab without defects."""
    found = Access(lab.facts)
    try:
        mend_all(found)
        yield found
    finally:
        found.close()


# --- for tests that have a fixture `lab` of their own: `from tests.labs import access as access` ----------------------
@pytest.fixture(scope="module")
def access(lab: Lab) -> Iterator[Access]:
    with a_way_in(lab) as found:
        yield found


@pytest.fixture
def broken(access: Access, request: pytest.FixtureRequest) -> Iterator[Defect]:
    """The defect that it is asked for is in; afterwards everything is well again."""
    defect: Defect = request.param
    try:
        put_in(access, defect)
        yield defect
    finally:
        mend_all(access)
