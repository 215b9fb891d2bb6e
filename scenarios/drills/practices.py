"""What a target's drill practises in an environment: each loss of a profile, and the steps that go with it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.changes import Changes
from fixtures.platforms.orders import Orders
from fixtures.platforms.postgres.kept import KeptDatabase
from fixtures.target import Side
from fixtures.target.checks import NotificationRoute
from fixtures.target.drills import (
    CacheLost,
    DatabaseLost,
    Drill,
    Everything,
    MomentAsked,
    NamespaceDeleted,
    NodeLost,
    PageCorrupted,
    SchemaBroken,
    TableDropped,
    VersionBroken,
    VersionTaken,
    VolumesLost,
)
from fixtures.target.faults import NodeLost as NodeFault
from scenarios.checks.notification import notification_route
from scenarios.drills import disasters, people
from scenarios.drills.applications import Applications
from scenarios.drills.caches import OfCache
from scenarios.drills.emergencies import OfEverything
from scenarios.drills.ground import Ledger
from scenarios.drills.journal import Clock
from scenarios.drills.nodes import OfNode
from scenarios.drills.people import Tell
from scenarios.drills.practice import OfDatabase, Practice
from scenarios.drills.proving import proofs
from scenarios.drills.retention import GRACE
from scenarios.drills.runbook import Act
from scenarios.drills.schemas import Migration, OfSchema
from scenarios.drills.servers import database_of
from scenarios.drills.sides import OnSide
from scenarios.drills.writer import Product
from scenarios.faults.catalogue import made
from scenarios.faults.radius import BlastRadius
from scenarios.faults.site import Site
from scenarios.release.probes import Plan
from scenarios.surroundings import Surroundings

ROOT = Path(__file__).resolve().parents[2]
NIGHT_S = 600.0


@dataclass(frozen=True)
class Scene:
    """Where drills are held. `note`: the file in which a drill on a database says what it is about to do; what others
    keep meanwhile lies beside it."""

    around: Surroundings
    site: Callable[[], Site]
    note: Path
    clock: Clock
    tell: Tell = lambda *_: ()

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
            case PageCorrupted(table=table):
                return self._of_database(disasters.PageCorrupted(self._databases[self.around.side], table))
            case CacheLost(holds=holds):
                return self._of_cache(holds)
            case NodeLost() as loss:
                return self._of_node(loss)
            case NamespaceDeleted():
                return self._side.namespace()
            case VersionBroken(of=service):
                return self._side.version(service)
            case VersionTaken(of=service):
                return self._side.revision(service)
            case MomentAsked(into=into):
                return self._side.moment(into)
            case SchemaBroken(apply=apply, undo=undo):
                migration = Migration(self._databases[self.around.side], apply, undo)
                return OfSchema(self._ground(), migration, self._beside("schema.json"), self.clock)
            case VolumesLost() as volumes:
                return self._side.volumes(volumes)
            case Everything(of=service):
                data = self._of_database(disasters.DirectoryDeleted())
                return OfEverything(data, self._side.version(service), self._side.door())
        raise Missing(f"{drill.name} says nothing of what is lost")

    def others(self, drill: Drill) -> Mapping[str, Act]:
        """Steps that are not the practice's own."""
        return {**self._told(drill), **proofs(drill, self.around)}

    def _told(self, drill: Drill) -> Mapping[str, Act]:
        if not isinstance(drill.loses, DatabaseLost | TableDropped | PageCorrupted):
            return self._to_people(drill)
        platform = self.around.platform
        applications = Applications(
            self._ground(),
            Ledger(self.note),
            able(platform, Changes),
            able(platform, Workloads),
            self.around.namespace,
            [self._databases[self.around.side]],
        )
        return {**applications.acts(), **self._to_people(drill)}

    def reading(self, drill: Drill, product: Product) -> Plan:
        """What users read meanwhile. Whoever is shown a maintenance page is one who asks for no side."""
        plan = product.reading(drill.asks or "")
        if not isinstance(drill.loses, Everything):
            return plan
        route = self.around.environment.route[self.around.side]
        headers = {name: value for name, value in plan.headers.items() if name not in route}
        return replace(plan, headers=headers)

    def _to_people(self, drill: Drill) -> Mapping[str, Act]:
        """On the environment's channels; an incident is opened by the profile's own critical alert."""
        name = f"{drill.title} [{self.around.target.system}, a drill]"
        acts = {
            "notify": people.told(self.tell, "failure", f"{name}: it is being practised, nothing is wrong"),
            "update": people.told(self.tell, "success", f"{name}: users are served again"),
        }
        routes = (one for one in self.around.target.checks if isinstance(one, NotificationRoute))
        critical = next((one for one in routes if one.severity == "critical"), None)
        if critical is None:
            return acts
        return {**acts, "respond": people.opened(lambda: notification_route(critical, self.around))}

    @property
    def _side(self) -> OnSide:
        return OnSide(self.around, self.note.parent, self.clock)

    def _beside(self, name: str) -> Path:
        return self.note.with_name(f"{self.note.stem}-{name}")

    @property
    def _databases(self) -> Mapping[Side, str]:
        """By name, as their URLs end."""
        return {side: urlsplit(self.around.store("database", side)).path.lstrip("/") for side in Side}

    def _ground(self) -> KeptDatabase:
        return database_of(self.around, sorted({*self._databases.values()}))

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
