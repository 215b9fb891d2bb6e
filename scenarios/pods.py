"""What a pod has to say for itself when something is wrong with it."""

from __future__ import annotations

import httpx

from fixtures.evidence import NoEvidence
from fixtures.platforms.abilities import Events, Logs, Pod, Workloads, able
from fixtures.target.model import Service
from reports.verdicts import Evidence
from scenarios.surroundings import Surroundings

LINES = 20


def testimony(around: Surroundings, pod: Pod) -> tuple[Evidence, ...]:
    """The tail of its log and the platform's events about it; what cannot be read says so."""
    return (
        Evidence(f"log of {pod.name}", _log(around, pod), "log"),
        Evidence(f"events of {pod.name}", _events(around, pod), "event"),
    )


def condition(pod: Pod) -> str:
    """How it fares, in a few words."""
    states = ", ".join(f"{one.name} {one.state}" for one in pod.containers if not one.ready)
    return f"{pod.phase}, not ready{f': {states}' if states else ''}"


def served_testimony(around: Surroundings, response: httpx.Response) -> tuple[Evidence, ...]:
    """That of the pods which gave an answer, by its headers: first the one behind the gateway, where it is named."""
    header = around.environment.served.by
    names = [response.headers.get(name) for name in (header.replace("served", "upstream"), header)]
    try:
        pods = {pod.name: pod for pod in able(around.platform, Workloads).pods(around.namespace)}
    except NoEvidence as error:
        return (Evidence("who answered has nothing to say", str(error)),)
    return tuple(one for name in names if name in pods for one in testimony(around, pods[name]))


def _log(around: Surroundings, pod: Pod) -> str:
    try:
        return able(around.platform, Logs).log(pod, LINES).strip() or "(empty)"
    except NoEvidence as error:
        return f"(cannot be read: {error})"


def _events(around: Surroundings, pod: Pod) -> str:
    try:
        found = able(around.platform, Events).events(pod.namespace, pod.name)
    except NoEvidence as error:
        return f"(cannot be read: {error})"
    return (
        "\n".join(f"{one.at} {one.kind} {one.reason} ×{one.count}: {one.message}" for one in found)
        or "(none)"
    )


def service_testimony(around: Surroundings, service: Service, most: int = 2) -> tuple[Evidence, ...]:
    """That of the service's pods, those that are not ready first; why there is none, where it has no pods."""
    try:
        pods = sorted(around.pods(service), key=lambda pod: pod.ready)
    except NoEvidence as error:
        return (Evidence(f"{service.name} has nothing to say", str(error)),)
    return tuple(one for pod in pods[:most] for one in testimony(around, pod))
