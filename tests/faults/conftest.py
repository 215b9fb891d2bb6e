"""An API server for faults that need no pods; and a whole lab, one for all who harm it, who each leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target import Side, Target
from scenarios.faults.place import Place
from scenarios.faults.site import Site
from scenarios.faults.standby import Standby
from scenarios.surroundings import Surroundings
from tests.cluster import servers
from tests.cluster.servers import ApiServer
from tests.labs import a_lab


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Also a real kube-apiserver, with KUBEBUILDER_ASSETS set."""
    layout = servers.new_home(tmp_path_factory.mktemp("lab"))
    with servers.running(layout, servers.wanted_parts(layout)) as found:
        yield found


@pytest.fixture(scope="package")
def platform(server: ApiServer) -> Iterator[Kubernetes]:
    found = Kubernetes(Path(server.kubeconfig))
    yield found
    found.close()


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    with a_lab("faults") as found:
        yield found


@pytest.fixture(scope="package")
def around(lab: Lab) -> Iterator[Surroundings]:
    target = Target.load("hwayo")
    found = Surroundings(target, target.environment("lab").with_facts(lab.facts), Side.GREEN)
    yield found
    found.close()


@pytest.fixture(scope="package")
def access(lab: Lab) -> Iterator[Access]:
    found = Access(lab.facts)
    yield found
    found.close()


@pytest.fixture(scope="package")
def lab_place(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Place:
    found = Place.of("hwayo", around.environment)
    return replace(found, folder=str(tmp_path_factory.mktemp("ledger")))


@pytest.fixture(scope="package")
def site(lab_place: Place) -> Iterator[Site]:
    with lab_place.opened() as hands, Standby(lab_place) as standby:
        yield Site(hands, lab_place.ledger, standby)
