"""One lab of NailBook's for all of these tests, mended after each that breaks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import Defect
from tests.labs import a_broken, a_lab, a_way_in


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with a_lab("nailbook", "nailbook-line") as found:
        yield found


@pytest.fixture(scope="session")
def access(lab: Lab) -> Iterator[Access]:
    with a_way_in(lab) as found:
        yield found


@pytest.fixture
def broken(access: Access, request: pytest.FixtureRequest) -> Iterator[Defect]:
    with a_broken(access, request.param) as found:
        yield found
