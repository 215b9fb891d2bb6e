"""Whether a service answers users, and how soon: asked over the front door, as they would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Door, Pod, able
from fixtures.target.model import Service
from scenarios.surroundings import Surroundings

PATIENCE_S = 3.0


@dataclass(frozen=True)
class Asked:
    """`status` is 0 where nothing came in time."""

    status: int
    took_s: float
    said: str = ""


def ask(around: Surroundings, service: Service, timeout_s: float = PATIENCE_S) -> Asked:
    """The service's health path, on the side that is being proven."""
    begun = around.clock.now()
    try:
        response = around.http.get(service.health, timeout=timeout_s)
        status, said = response.status_code, response.text[:200]
    except httpx.HTTPError as error:
        status, said = 0, str(error) or type(error).__name__
    return Asked(status, around.clock.now() - begun, said)


def own_entry(around: Surroundings) -> str:
    """Our side's own door, beside the front door. Raises Missing."""
    if found := around.environment.own_entry.get(around.side):
        return found
    raise Missing(f"environment {around.environment.name} states no own_entry of {around.side}")


def unwell_inside(around: Surroundings, service: Service, pods: Sequence[Pod]) -> str:
    """What the first that is not well says, asked past the mesh; empty where all are well. Raises NoEvidence."""
    for pod in pods:
        reply = able(around.platform, Door).get(pod, service.health, PATIENCE_S)
        if reply.status != 200:
            return f"{pod.name}: {service.health} {reply.status} {reply.body[:120]}"
    return ""
