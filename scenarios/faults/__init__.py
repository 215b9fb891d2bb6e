"""Faults: put in, proven, and taken out again. Importing this registers every kind."""

from scenarios.faults import (  # noqa: F401 - each registers its kinds
    application,
    cache,
    canary,
    certificate,
    chaosmesh,
    database,
    istio,
    network,
    nodes,
    own,
    pods,
    stress,
)
