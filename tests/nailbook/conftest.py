"""One lab of NailBook's for all of these tests, mended after each that breaks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from tests.labs import a_lab
from tests.labs import access as access
from tests.labs import broken as broken


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with a_lab("nailbook", "nailbook-line") as found:
        yield found
