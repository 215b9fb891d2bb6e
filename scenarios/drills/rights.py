"""What drills must be allowed to do on Kubernetes, by what they lose; stores are reached by other ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fixtures.target.drills import (
    DatabaseLost,
    Drill,
    Everything,
    NamespaceDeleted,
    NodeLost,
    PageCorrupted,
    TableDropped,
    VersionBroken,
)
from fixtures.target.faults import NodeLost as NodeFault
from scenarios.faults.catalogue import kinds
from scenarios.faults.registry import Right
from scenarios.release.fleet import BACKED_UP, REDEPLOYED

# Who brings a namespace back makes whatever was in it, when no role in it is left that could allow it.
RESTORING = (
    Right("*", ("create", "get", "list"), "platform"),
    Right("Namespace", ("delete",), "platform"),
    *(Right(kind, ("bind", "escalate"), "platform") for kind in ("Role", "ClusterRole")),
)
REDEPLOYING = (
    *(Right(kind, ("list",)) for kind in BACKED_UP),
    *(Right(kind, ("get", "create", "update")) for kind in REDEPLOYED),
    Right("pods/proxy", ("get",)),
)
CLOSING = (Right("VirtualService", ("get", "list", "update"), "sides"),)  # the front door, for maintenance
RESTARTING = (Right("Pod", ("get", "delete")),)


def rights_of(drills: Iterable[Drill]) -> Iterator[Right]:
    """But for looking, which every drill needs."""
    for drill in drills:
        match drill.loses:
            case DatabaseLost() | TableDropped() | PageCorrupted():
                yield from RESTARTING
            case NodeLost():
                yield from kinds()[NodeFault].rights
            case VersionBroken():
                yield from REDEPLOYING
            case Everything():
                yield from (*REDEPLOYING, *CLOSING)
            case NamespaceDeleted():
                yield from RESTORING
