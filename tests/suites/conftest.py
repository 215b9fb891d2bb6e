"""A whole lab for those tests that break it, one for all of them; the others make do with small real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.layout import Layout
from fixtures.lab.process import Running
from fixtures.lab.stores import Postgres
from fixtures.probes.stores import database_accepts
from tests.labs import a_lab, a_way_in
from tests.rights import least_of
from tests.subnets import kept


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    with a_lab("gate") as found:
        yield found


@pytest.fixture(scope="package")
def access(lab: Lab) -> Iterator[Access]:
    """Who runs the gate meanwhile may do what its stages must, and nothing else."""
    with a_way_in(lab) as found, least_of(lab, found, "preflight", "smoke"):
        yield found


@pytest.fixture(scope="package")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real one, whose owner may put tables there as extensions for retention would."""
    folder = tmp_path_factory.mktemp("postgres")
    stood = Postgres(Layout(kept(), folder).database, folder, "pass-word")
    stood.prepare()
    running = Running(stood.part(), folder / "log")
    try:
        wait_until(lambda: database_accepts(f"{stood.url}/postgres").ok, 20)
        yield f"{stood.url}/postgres"
    finally:
        running.stop()
