"""Each service says that it is well: asked inside its own pods, through the mesh, and about its stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx

from fixtures.evidence import Missing, Unreachable
from fixtures.platforms.abilities import Door, Pod, Reply, able
from fixtures.probes.http import said
from fixtures.target.checks import HealthInPod, HealthThroughMesh, StoreFromApplication
from fixtures.target.model import Service
from fixtures.target.quantities import Duration
from reports.verdicts import Measurement
from scenarios.checks.registry import measures
from scenarios.pods import service_testimony, testimony
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


@measures(HealthInPod)
def health_in_pod(check: HealthInPod, around: Surroundings) -> Measurement:
    tally = Tally("pods")
    for service, pod in _pods(around, tally):
        tally.saw(pod.name)
        try:
            reply = able(around.platform, Door).get(pod, service.health, check.within.amount)
        except Unreachable as error:
            tally.breaks(pod.name, str(error), *testimony(around, pod))
            continue
        tally.took(pod.name, reply.took_s)
        if why := _unwell(reply.status, reply.body, reply.took_s, check.within):
            tally.breaks(pod.name, f"{service.health} {why}", *testimony(around, pod))
    return tally.measurement()


@measures(HealthThroughMesh)
def health_through_mesh(check: HealthThroughMesh, around: Surroundings) -> Measurement:
    tally = Tally("services")
    for service in around.target.services:
        tally.saw(service.name)
        begun = around.clock.now()
        try:
            response = around.http.get(service.health, timeout=check.within.amount)
        except httpx.HTTPError as error:
            tally.breaks(service.name, f"{service.health} does not answer: {error or type(error).__name__}")
            continue
        took_s = around.clock.now() - begun
        tally.took(service.name, took_s)
        why = _unwell(response.status_code, said(response), took_s, check.within)
        why = why or _of_other_side(around, response)
        if why:
            tally.breaks(service.name, f"{service.health} {why}", *service_testimony(around, service))
    return tally.measurement()


@measures(StoreFromApplication)
def store_from_application(check: StoreFromApplication, around: Surroundings) -> Measurement:
    """By the details of each pod's health, in `checks`; a service that names no such store does not need it."""
    tally = Tally("pods that need it")
    for service, pod in _pods(around, tally):
        try:
            reply = able(around.platform, Door).get(pod, service.health, check.within.amount)
            details = health_details(reply)
        except (Unreachable, Missing) as error:
            tally.unseen(error)
            continue
        found = details.get("checks", {}).get(check.store)
        if found is None:
            continue
        tally.took(pod.name, reply.took_s)
        if found.get("ok") is not True:
            why = found.get("error") or "says that it is not well, and not why"
            tally.breaks(pod.name, f"its {check.store}: {why}", *testimony(around, pod))
        elif why := too_slow(reply.took_s, check.within):
            tally.breaks(pod.name, f"{service.health} {why}", *testimony(around, pod))
    return tally.measurement()


def health_details(reply: Reply) -> dict[str, Any]:
    """The JSON object that a health path answers with. Raises Missing where it is none."""
    try:
        details = json.loads(reply.body)
    except ValueError as error:
        raise Missing(
            f"a health path that answers {reply.status} without details: {reply.body[:100]!r}"
        ) from error
    if not isinstance(details, dict):
        raise Missing(f"a health path whose details are no object: {reply.body[:100]!r}")
    return details


def _pods(around: Surroundings, tally: Tally) -> Iterator[tuple[Service, Pod]]:
    """Every pod of every service; a service without any is not examined, and the tally knows."""
    for service in around.target.services:
        with tally.looking():
            yield from [(service, pod) for pod in around.pods(service)]


def _unwell(status: int, body: str, took_s: float, within: Duration) -> str:
    if status != 200:
        return f"answers {status}: {' '.join(body.split())[:300]}"
    return too_slow(took_s, within)


def too_slow(took_s: float, within: Duration) -> str:
    """A client's time-outs do not bound a whole answer, which may come in drops."""
    return f"took {took_s:.2f} s, where {within} is promised" if took_s > within.amount else ""


def _of_other_side(around: Surroundings, response: httpx.Response) -> str:
    """By the header of who served it, and by what the service says of itself behind the gateway, where it does."""
    header = around.environment.served.side
    served = response.headers.get(header)
    if served != around.side:
        return f"was served by {served or f'nobody knows whom: no {header}'}, not by {around.side}"
    try:
        details = response.json()
    except ValueError:
        return ""
    side = details.get("side", served) if isinstance(details, dict) else served
    return "" if side == around.side else f"was served by {side} behind {around.side}'s gateway"
