"""Faults: put in, proven, and taken out again. Importing this registers every kind."""

from scenarios.faults import application, istio, network, nodes, pods  # noqa: F401 - each registers its kinds
