"""A whole lab for those tests that break it, one for all of them; the others make do with small real servers."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import mend_all
from fixtures.lab.layout import Layout
from fixtures.lab.process import Running
from fixtures.lab.stores import Postgres
from fixtures.probes.stores import database_accepts
from tests.subnets import kept


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Of its own, or the one that VERDIGRIS_LAB names, to be quick by hand."""
    name = os.environ.get("VERDIGRIS_LAB", "")
    joined = Lab.join(name) if name else None
    if joined is not None:
        yield joined
        return
    started = Lab.start("hwayo", f"gate-{random.randrange(16**8):08x}")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def access(lab: Lab) -> Iterator[Access]:
    found = Access(lab.facts)
    mend_all(found)
    yield found
    found.close()


@pytest.fixture(scope="session")
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
