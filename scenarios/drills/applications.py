"""Steps on whoever uses a database: their connections are ended, and in the end their pods are started anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixtures.clock import wait_until
from fixtures.platforms.abilities import Workloads
from fixtures.platforms.changes import Changes, Ref
from scenarios.drills import doors
from scenarios.drills.ground import Ground, Ledger
from scenarios.drills.runbook import Act

ENDS_S = 20.0
READY_S = 120.0
OTHERS = (
    "FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid() AND NOT usename = 'postgres'"
)


@dataclass
class Applications:
    """Pods of `namespace` are those that use the databases of `ground`."""

    ground: Ground
    ledger: Ledger
    objects: Changes
    workloads: Workloads
    namespace: str
    databases: Sequence[str]

    def acts(self) -> Mapping[str, Act]:
        return {"stop": self.stop, "restart": self.restart}

    def stop(self) -> str:
        """Nobody but the superuser is connected, or can connect: what is being saved stands still."""
        names = list(self.databases)
        with self.ground.connect("postgres") as link:
            self.ledger.update(limits=doors.limits(link, names))
            doors.shut(link, names)
            ended = link.execute(f"SELECT pg_terminate_backend(pid) {OTHERS}".encode(), [names]).fetchall()

            def left() -> int:
                row = link.execute(f"SELECT count(*) {OTHERS}".encode(), [names]).fetchone()
                assert row is not None
                return int(str(row[0]))

            wait_until(lambda: left() == 0, ENDS_S)
        return f"{len(ended)} connections ended, none is left"

    def restart(self) -> str:
        """Every pod is another than before, and every workload available."""
        before = self.workloads.pods(self.namespace)
        for one in before:
            ref = Ref("Pod", one.namespace, one.name)
            if found := self.objects.read_object(ref):
                self.objects.delete_object(ref, found["metadata"]["uid"])
        gone = {one.name for one in before}

        def all_new() -> bool:
            found = self.workloads.workloads(self.namespace)
            pods = self.workloads.pods(self.namespace)
            well = all(one.current and one.available >= one.wanted for one in found)
            return bool(found) and well and not any(one.name in gone for one in pods)

        took_s = wait_until(all_new, READY_S)
        return f"{len(gone)} pods were replaced, and all are available after {took_s:.1f} s"
