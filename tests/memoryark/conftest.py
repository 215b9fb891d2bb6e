"""One lab of MemoryArk's for all of these tests, mended after each that breaks it; none where no engine can be had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from fixtures.lab.compose.engine import missing
from tests.labs import a_lab
from tests.labs import access as access
from tests.labs import broken as broken


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    if why := missing():
        pytest.skip(why)
    with a_lab("memoryark", "memoryark-line") as found:
        yield found
