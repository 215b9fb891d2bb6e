"""A subnet and a home of its own for each test, and a target like the document's."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.monitoring.watched import Watched
from tests.subnets import claimed

HERE = Path(__file__).parent


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    with claimed() as subnet:
        yield Layout(subnet, tmp_path)


@pytest.fixture
def watched() -> Watched:
    """A minute of the document is a second here."""
    sides = {"shop": "blue", "shop-green": "green"}
    return Watched(Fraction(1, 60), HERE / "alerts.yaml", HERE / "routes.yaml", sides)
