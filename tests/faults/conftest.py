"""An API server for faults that need no pods; and a whole lab, one for all who harm it, who each leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import is_well
from fixtures.objectives import assess
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.target import Side, Target
from fixtures.target.experiment import Experiment
from reports.verdicts import Verdict
from scenarios.faults.experiment import Trial
from scenarios.faults.healing import marks
from scenarios.faults.place import Place
from scenarios.faults.site import Site
from scenarios.faults.standby import Standby
from scenarios.roles import manifests, rights_of_all
from scenarios.surroundings import Surroundings
from tests.cluster import servers
from tests.cluster.servers import ApiServer
from tests.faults.rows import WELL_S, Tried
from tests.labs import a_lab, a_way_in
from tests.rights import entering, let_in


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
def access(lab: Lab) -> Iterator[Access]:
    with a_way_in(lab) as found:
        yield found


@pytest.fixture(scope="package")
def around(lab: Lab, access: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """Entered with the least rights that the faults say they need: whatever they do here, they do with these."""
    target = Target.load("hwayo")
    environment = target.environment("lab").with_facts(lab.facts)
    let_in(access, manifests("chaos", rights_of_all(), Side.GREEN, environment.namespaces))
    least = tmp_path_factory.mktemp("least") / "kubeconfig"
    least.write_text(entering(access.layout.kubeconfig, access.layout.tokens, "chaos"))
    found = Surroundings(target, environment.model_copy(update={"kubeconfig": str(least)}), Side.GREEN)
    yield found
    found.close()


@pytest.fixture(scope="package")
def everything(lab: Lab) -> Iterator[Kubernetes]:
    """The lab's cluster, to see all of it."""
    found = Kubernetes(Path(lab.facts["kubeconfig"]))
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


@pytest.fixture
def tried(around: Surroundings, site: Site, access: Access, tmp_path: Path) -> Iterator[Tried]:
    """Carry it out on a lab that is well; whatever comes of it, nothing is left."""

    def carried_out(one: Experiment) -> tuple[Verdict, str]:
        seen = Trial(one, around, site, tmp_path, lab=access.facts["name"]).run()
        print("\n".join(evidence.text for evidence in seen.evidence))
        return assess(one, seen)

    wait_until(lambda: is_well(access), WELL_S)
    yield carried_out
    assert marks(site.hands.objects) == site.ledger.entries() == []
