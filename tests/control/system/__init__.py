"""A system small enough to see through: an echoing server, a task that ends, one that will not."""

from __future__ import annotations

from fixtures.lab.system import Image, Manifest, System


def _node(name: str, pool: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"pool": pool}}}


SYSTEM = System(
    name="tiny",
    images={
        "registry.lab:5000/echo": Image("tests.control.system.echo", 12_000_000, ("1.0", "1.1")),
        "registry.lab:5000/task": Image("tests.control.system.task", 1_000_000, ("1.0",)),
        "registry.lab:5000/stress-ng": Image("fixtures.lab.control.stressor", 3_000_000, ("0.17",)),
        "registry.lab:5000/stubborn": Image("tests.control.system.stubborn", 1_000_000, ("1.0",)),
    },
    nodes=[_node("node-1", "application"), _node("node-2", "application"), _node("node-3", "system")],
    objects=lambda _layout, _credentials: [],
    databases=lambda _secrets: {},
    stores=lambda _layout, _secrets: {},
)
