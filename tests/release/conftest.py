"""A whole lab for what is checked against a real front door and a real Prometheus; the rest makes do with less."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from tests.labs import a_lab


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    with a_lab("release") as found:
        yield found
