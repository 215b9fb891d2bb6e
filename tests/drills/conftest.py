"""A database filled once, and a copy of it for each test that breaks its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.database import Stand, stand, template


@pytest.fixture(scope="package")
def filled() -> Iterator[Path]:
    with template() as data:
        yield data


@pytest.fixture
def place(filled: Path) -> Iterator[Stand]:
    with stand(filled) as made:
        yield made


@pytest.fixture(scope="module")
def shared(filled: Path) -> Iterator[Stand]:
    """For tests that leave it as it was."""
    with stand(filled) as made:
        yield made
