"""The gate's checks: one small function a kind, each counting violations among what it examined."""

from scenarios.checks import (  # noqa: F401 - each registers its measures
    cloud,
    cluster,
    composed,
    coverage,
    delivery,
    endpoints,
    front_door,
    guarded,
    health,
    images,
    isolation,
    journeys,
    kept,
    logs,
    monitoring,
    networks,
    notification,
    pods,
    roles,
    rules,
    scans,
    secrets,
    side,
    stores,
    upkeep,
)
from scenarios.checks.registry import kinds, measure

__all__ = ["kinds", "measure"]
