"""Is there a cluster to deploy on, and does every service have the replicas it promises."""

from __future__ import annotations

from fixtures.platforms.abilities import Nodes, Pod, Workload, Workloads, able
from fixtures.target.checks import DeploymentsAvailable, NodesReady
from fixtures.target.model import Service
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.pods import condition, testimony
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

STUCK = (
    "CrashLoopBackOff",
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "OOMKilled",
    "Error",
)


@measures(NodesReady)
def nodes_ready(check: NodesReady, around: Surroundings) -> Measurement:
    """A cordoned node counts as ready, as `kubectl get nodes` has it, but is noted."""
    tally = Tally("nodes")
    found = able(around.platform, Nodes).nodes()
    for node in found:
        tally.saw(node.name)
        if not node.ready:
            tally.breaks(node.name, f"not Ready: {node.why}")
        if not node.schedulable:
            tally.note(Evidence(f"{node.name} is cordoned", ""))
    if 0 < len(found) < check.at_least:
        tally.breaks("the cluster", f"{len(found)} nodes, where at least {check.at_least} are wanted")
    return tally.measurement()


@measures(DeploymentsAvailable)
def deployments_available(_: DeploymentsAvailable, around: Surroundings) -> Measurement:
    """Enough replicas ready, of the newest specification, and no pod that cannot get on its feet."""
    tally = Tally("services")
    platform = able(around.platform, Workloads)
    workloads = {one.name: one for one in platform.workloads(around.namespace)}
    for service in around.target.services:
        tally.saw(service.name)
        workload = workloads.get(service.name)
        if workload is None:
            tally.breaks(service.name, f"{around.namespace} has no such deployment")
            continue
        pods = list(platform.pods(around.namespace, workload.selector)) if workload.selector else []
        stuck = [pod for pod in pods if _is_stuck(pod)]
        if why := "; ".join(
            [*_shortfalls(service, workload, pods), *(f"{pod.name} {condition(pod)}" for pod in stuck)]
        ):
            unwell = stuck or [pod for pod in pods if not pod.ready]
            tally.breaks(service.name, why, *(one for pod in unwell[:2] for one in testimony(around, pod)))
    return tally.measurement()


def _shortfalls(service: Service, workload: Workload, pods: list[Pod]) -> list[str]:
    """In which ways there are fewer replicas than promised."""
    found = []
    if workload.wanted < service.replicas:
        found.append(f"asks for {workload.wanted} replicas, where {service.replicas} are promised")
    if workload.available < workload.wanted:
        reason = f" ({workload.why})" if workload.why else ""
        found.append(f"{workload.available} of {workload.wanted} replicas available{reason}")
    elif not workload.current or workload.updated < workload.wanted:
        found.append(
            f"its rollout is not finished: {workload.updated} of {workload.wanted} replicas are of now"
        )
    if workload.available and not pods:
        found.append("no pod matches its selector")
    return found


def _is_stuck(pod: Pod) -> bool:
    return any(not one.ready and one.state.startswith(STUCK) for one in pod.containers)
