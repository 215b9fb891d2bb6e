"""What is practised on our side's workloads and on the front door: nothing there is touched that has not opted in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from fixtures.clock import SystemClock
from fixtures.evidence import Missing, Unsupported
from fixtures.platforms.abilities import Revisions, Workloads, able
from fixtures.platforms.changes import Changes, Ref
from fixtures.platforms.containers import Inside, Restarts
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.platforms.kubernetes.configuration import Configuration
from fixtures.probes.http import Entry, open_client
from fixtures.target.drills import VolumesLost
from scenarios.drills.ground import Connection
from scenarios.drills.journal import Clock
from scenarios.drills.maintenance import Maintenance
from scenarios.drills.moments import OfMoment
from scenarios.drills.namespaces import OfNamespace
from scenarios.drills.revisions import OfRevision, Schema
from scenarios.drills.servers import rds_of
from scenarios.drills.versions import OfVersion
from scenarios.drills.volumes import OfVolumes, Ship
from scenarios.faults.radius import OPT_IN, has_opted_in
from scenarios.release.carrying import router_of
from scenarios.release.fleet import Fleet
from scenarios.release.health import inside, through_door, unwell
from scenarios.release.telling import wording_of
from scenarios.surroundings import Surroundings, stated

ANSWERS_S = 2.0
CONNECTS_S = 5


@dataclass(frozen=True)
class OnSide:
    """`folder`: where what is to be put back is kept meanwhile."""

    around: Surroundings
    folder: Path
    clock: Clock

    def namespace(self) -> OfNamespace:
        """Raises NoEvidence."""
        platform, namespace = self.around.platform, self.around.namespace
        if not isinstance(platform, Kubernetes):
            raise Unsupported(platform, "configuration of a namespace")
        space = self._opted_in(namespace)

        def delete() -> None:
            if space:
                platform.delete_object(Ref("Namespace", "", namespace), space)

        kept = self.folder / f"{namespace}.json"
        return OfNamespace(Configuration(platform.session), platform, namespace, kept, delete, self.clock)

    def version(self, service: str) -> OfVersion:
        """Raises NoEvidence."""
        around = self.around
        platform = around.platform
        self._opted_in(around.namespace)

        def said() -> str:
            found = unwell(around.target.services, inside(around, around.side))
            return "; ".join(f"{name} {why}" for name, why in found.items())

        return OfVersion(
            Fleet(platform, around.namespace, SystemClock()),
            able(platform, Changes),
            able(platform, Workloads),
            service,
            said,
            self.folder / f"{around.namespace}-version.json",
            self.clock,
        )

    def revision(self, service: str) -> OfRevision:
        """Raises NoEvidence."""
        around = self.around
        self._opted_in(around.namespace)
        backend = stated(around.environment, around.environment.backend, "backend")
        return OfRevision(
            Fleet(around.platform, around.namespace, SystemClock()),
            able(around.platform, Changes),
            able(around.platform, Revisions),
            service,
            Schema(self._as_owner(), Path(backend)),
            self._unwell_at_the_door,
            self.folder / f"{around.namespace}-revision.json",
            self.clock,
        )

    def volumes(self, loss: VolumesLost) -> OfVolumes:
        """Raises NoEvidence."""
        platform, namespace = self.around.platform, self.around.namespace
        self._opted_in(namespace)
        ship = Ship(able(platform, Workloads), able(platform, Inside), able(platform, Restarts), namespace)
        return OfVolumes(ship, loss, self.folder / f"{namespace}-volumes.json", self.clock)

    def moment(self, into: str) -> OfMoment:
        """Raises NoEvidence."""
        url = self._as_owner()

        def connect(host: str) -> Connection:
            where = make_conninfo(url, host=host) if host else url
            return psycopg.connect(where, autocommit=True, connect_timeout=CONNECTS_S)

        file = self.folder / f"{self.around.namespace}-moment.json"
        return OfMoment(rds_of(self.around), into, connect, file, self.clock)

    def _as_owner(self) -> str:
        """Our side's database, as who owns what is in it. Raises NoEvidence."""
        owner, database = (
            urlsplit(self.around.store(kind, self.around.side)) for kind in ("database_owner", "database")
        )
        return owner._replace(path=database.path).geturl()

    def _unwell_at_the_door(self) -> str:
        around = self.around
        found = unwell(around.target.services, through_door(around, around.side))
        return "; ".join(f"{name} {why}" for name, why in found.items())

    def door(self) -> Maintenance:
        """Raises NoEvidence."""
        around = self.around
        entry = Entry(around.entry, {}, around.ca, around.environment.host or "")

        def answer() -> int:
            try:
                with open_client(entry, ANSWERS_S) as http:
                    return http.get("/").status_code
            except httpx.HTTPError:
                return 0

        page = wording_of(around.target).page
        return Maintenance(router_of(around), page, answer, self.folder / "front-door.json")

    def _opted_in(self, namespace: str) -> str:
        """Its uid; "" where it is not there: then there is at most something to heal. Raises Missing."""
        space = able(self.around.platform, Changes).read_object(Ref("Namespace", "", namespace))
        if space is not None and not has_opted_in(space):
            raise Missing(f"{namespace} is not labelled {'='.join(OPT_IN)}, so nothing there may be lost")
        return str(space["metadata"]["uid"]) if space else ""
