"""What a system is to mend itself with, looked at before anything is put in: without it the harm would teach nothing
that is not known already."""

from __future__ import annotations

from fixtures.platforms.abilities import Workloads, able
from fixtures.target.experiment import Experiment
from scenarios.surroundings import Surroundings


def missing(experiment: Experiment, around: Surroundings) -> list[str]:
    """What is promised of the services that are to be harmed, and is not there. Raises NoEvidence."""
    if experiment.recovers.after != "fault":
        return []
    harmed = {fault.service for fault in experiment.faults}
    found = {one.name: one for one in able(around.platform, Workloads).workloads(around.namespace)}
    wrong = []
    for service in (one for one in around.target.services if one.name in harmed):
        workload = found.get(service.name)
        if workload is None:
            wrong.append(f"{service.name} is kept by no workload: a pod of it that ends is never begun again")
        elif workload.wanted < service.replicas:
            promised = f"{service.replicas} are promised ({service.source})"
            wrong.append(f"{service.name} runs {workload.wanted} of its pods where {promised}")
    return wrong
