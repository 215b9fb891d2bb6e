"""Who is in which network, and what is reached from inside: what cannot be tried both ways says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Pod, Workloads, able
from fixtures.platforms.containers import Asked, Inside, Network, Networks
from fixtures.target.composed import Knock, NetworksApart
from reports.verdicts import Evidence, Measurement
from scenarios.checks.composed import by_service
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

AT_ONCE = 12  # knocks
TRIES = 3  # at the way that is open: a machine that has no time lets nobody in, and shows no wall


@measures(NetworksApart)
def networks_apart(check: NetworksApart, around: Surroundings) -> Measurement:
    tally, found = Tally("networks and ways"), by_service(around)
    there = {one.name: one for one in able(around.platform, Networks).networks(around.namespace)}
    for name, services in check.members.items():
        tally.saw(name)
        if name not in there:
            tally.breaks(name, f"the project {around.namespace} has no such network")
            continue
        for why in _not_as(there[name], services, found):
            tally.breaks(name, why)
    for one in there.values():
        if one.name not in check.members and len(one.members) > 1:
            tally.breaks(one.name, f"is none of the system's, and connects {', '.join(sorted(one.members))}")
    for knock in check.knocks:
        with tally.looking():
            _try(check, knock, around, tally)
    return tally.measurement()


def _not_as(network: Network, services: Sequence[str], found: Mapping[str, Sequence[Asked]]) -> list[str]:
    wanted = {one.name for name in services for one in found.get(name, ()) if any(one.addresses.values())}
    strangers = sorted(network.members - {one.name for name in services for one in found.get(name, ())})
    lost = sorted(wanted - network.members)
    return [
        *(f"{one} is in it, and does not belong there" for one in strangers),
        *(f"{one} is not in it" for one in lost),
    ]


def _try(check: NetworksApart, knock: Knock, around: Surroundings, tally: Tally) -> None:
    """Raises NoEvidence where nobody can knock, or where knocking says nothing."""
    pod, found = inside(knock.source, around), by_service(around)
    name, port = knock.open
    if not any(is_let_in(around, pod, check.by, (name, port)) for _ in range(TRIES)):
        raise Missing(
            f"{pod.name} does not even reach {name}:{port}, so that it reaches nothing else means nothing"
        )
    tally.note(Evidence(f"{pod.name} reaches {name}:{port}, as it must", ""))
    ways: list[tuple[str, str, int]] = []
    for target, port in knock.shut.items():
        addresses = [host for one in found.get(target, ()) for host in one.addresses.values() if host]
        if not addresses:
            raise Missing(f"{target} has no address to knock at")
        ways += [
            (f"{knock.source} to {target} at {host}:{port}", host, port) for host in (target, *addresses)
        ]
    with ThreadPoolExecutor(AT_ONCE) as several:  # each that is shut takes its time
        open_ = list(several.map(lambda way: is_let_in(around, pod, check.by, way[1:]), ways))
    for (way, *_), is_open in zip(ways, open_, strict=True):
        tally.saw(way)
        if is_open:
            tally.breaks(way, "is open: the one reaches the other's network")


def is_let_in(around: Surroundings, pod: Pod, by: Sequence[str], door: tuple[str, int]) -> bool:
    """Raises NoEvidence where the pod cannot knock."""
    host, port = door
    command = [word.format(host=host, port=port) if "{" in word else word for word in by]
    return able(around.platform, Inside).run(pod, command).code == 0


def inside(name: str, around: Surroundings) -> Pod:
    """Raises Missing where it does not run."""
    for pod in able(around.platform, Workloads).pods(around.namespace):
        if pod.labels.get("com.docker.compose.service") == name and pod.phase == "running":
            return pod
    raise Missing(f"no container of {name} runs in {around.namespace}, from which to knock")
