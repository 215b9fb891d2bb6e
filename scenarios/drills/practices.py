"""What a target's drill practises in an environment: each loss of a profile, and the steps that go with it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.changes import Changes
from fixtures.platforms.orders import Orders
from fixtures.platforms.postgres.kept import KeptDatabase
from fixtures.target import Side
from fixtures.target.drills import CacheLost, DatabaseLost, Drill, NodeLost, TableDropped
from fixtures.target.faults import NodeLost as NodeFault
from scenarios.drills import disasters
from scenarios.drills.applications import Applications
from scenarios.drills.caches import OfCache
from scenarios.drills.ground import Ledger
from scenarios.drills.journal import Clock
from scenarios.drills.nodes import OfNode
from scenarios.drills.practice import OfDatabase, Practice
from scenarios.drills.retention import GRACE
from scenarios.drills.runbook import Act
from scenarios.faults.catalogue import made
from scenarios.faults.radius import BlastRadius
from scenarios.faults.site import Site
from scenarios.surroundings import Surroundings

PASSWORD = "database_admin_password"
ROOT = Path(__file__).resolve().parents[2]
NIGHT_S = 600.0


@dataclass(frozen=True)
class Scene:
    """Where drills are held. `note`: the file in which a drill on a database says what it is about to do."""

    around: Surroundings
    site: Callable[[], Site]
    note: Path
    clock: Clock

    def pass_the_night(self) -> None:
        """Have the backup job run, where there are no nights. Whether it did its work is for the drills to find."""
        server = self.around.environment.servers.database
        if server is not None and server.nightly:
            with suppress(OSError, subprocess.SubprocessError):
                subprocess.run(server.nightly, cwd=ROOT, timeout=NIGHT_S, check=False, capture_output=True)

    def practice(self, drill: Drill) -> Practice:
        """Raises NoEvidence where the environment states no server of that kind, or the platform lacks an ability."""
        match drill.loses:
            case DatabaseLost(how="killed"):
                return self._of_database(disasters.ProcessKilled())
            case DatabaseLost():
                return self._of_database(disasters.DirectoryDeleted())
            case TableDropped(table=table):
                return self._of_database(disasters.TableDropped(self._databases[self.around.side], table))
            case CacheLost(holds=holds):
                return self._of_cache(holds)
            case NodeLost() as loss:
                return self._of_node(loss)
        raise Missing(f"{drill.name} says nothing of what is lost")

    def others(self, drill: Drill) -> Mapping[str, Act]:
        """Steps that are not the practice's own."""
        if not isinstance(drill.loses, DatabaseLost | TableDropped):
            return {}
        platform = self.around.platform
        applications = Applications(
            self._ground(),
            able(platform, Changes),
            able(platform, Workloads),
            self.around.namespace,
            [self._databases[self.around.side]],
        )
        return applications.acts()

    @property
    def _databases(self) -> Mapping[Side, str]:
        """By name, as their URLs end."""
        return {side: urlsplit(self.around.store("database", side)).path.lstrip("/") for side in Side}

    def _ground(self) -> KeptDatabase:
        server = self.around.environment.servers.database
        if server is None:
            raise Missing(f"environment {self.around.environment.name} states no database under servers")
        return KeptDatabase(server, self.around.credential(PASSWORD), sorted({*self._databases.values()}))

    def _of_database(self, disaster: disasters.Disaster) -> OfDatabase:
        plan = self.around.target.backups
        every_s = [one.every.seconds for one in plan.kept.values()] if plan else []
        oldest_s = min(every_s, default=float("inf")) * (1 + GRACE)
        return OfDatabase(self._ground(), disaster, Ledger(self.note), self.clock, oldest_s)

    def _of_cache(self, holds: tuple[str, ...]) -> OfCache:
        server = self.around.environment.servers.cache
        if server is None:
            raise Missing(f"environment {self.around.environment.name} states no cache under servers")
        return OfCache(
            Orders(Path(server.orders)), self.around.store("cache", self.around.side), holds, self.clock
        )

    def _of_node(self, loss: NodeLost) -> OfNode:
        fault = made(NodeFault(fault="node-lost", service=loss.of), self.around)
        platform = able(self.around.platform, Workloads)
        return OfNode(self.site(), fault, BlastRadius(loss.at_most), platform, self.around.namespace)
