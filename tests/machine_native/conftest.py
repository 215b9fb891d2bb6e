"""One lab of Machine Native Ops for all of these tests, mended after each that breaks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from tests.labs import a_lab
from tests.labs import access as access


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with a_lab("mno", "machine-native-ops") as found:
        yield found
