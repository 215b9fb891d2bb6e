"""A whole namespace deleted, and put back from its kept configuration: the drill of a cluster's state.

The configuration is on disk, and was compared with what is there, before anything is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import NoEvidence
from fixtures.platforms.abilities import Workloads
from fixtures.platforms.kubernetes.configuration import Configuration, differences
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.noted import Noted
from scenarios.drills.practice import NotBegun
from scenarios.drills.runbook import Act

GONE_S = 120.0
READY_S = 180.0


@dataclass
class OfNamespace(Noted):
    """`file`: where the configuration is kept meanwhile. `delete`: has the platform delete the namespace."""

    holds = "the configuration as it was"

    configuration: Configuration
    workloads: Workloads
    namespace: str
    file: Path
    delete: Callable[[], None]
    clock: Clock
    _was: list[dict[str, object]] = field(default_factory=list)

    def fit(self) -> str:
        self.must_be_over()
        found = self.configuration.keep(self.namespace)
        workloads = self.workloads.workloads(self.namespace)
        if not workloads or any(one.available < one.wanted for one in workloads):
            raise NotBegun(f"{self.namespace} is not whole to begin with")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        put_down(self.file, found)
        self._was = self.kept()
        if differences(self._was, self.configuration.keep(self.namespace)):
            raise NotBegun(f"somebody changes {self.namespace} meanwhile")
        return f"{len(found)} objects of {self.namespace} were kept and read back"

    def kept(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def strike(self, _: str) -> str:
        self.delete()
        try:
            took_s = wait_until(self._is_gone, GONE_S)
        except TimedOut:
            return ""
        return f"{self.namespace} is not there, {took_s:.1f} s after it was deleted"

    def acts(self) -> Mapping[str, Act]:
        return {"restore": self.restore, "restart": self.restart, "verify": self.verify}

    def restore(self) -> str:
        made = self.configuration.put_back(self.kept())
        self.resumed_s = self.clock()
        return f"{len(made)} objects made again"

    def restart(self) -> str:
        """Every deployment has the pods that it asks for."""
        took_s = wait_until(self._is_available, READY_S)
        return f"all pods are available after {took_s:.1f} s"

    def verify(self) -> str:
        if found := self.left_behind():
            raise NotProven("; ".join(found))
        return f"{len(self._was)} objects are as they were"

    def heal(self) -> str:
        if not self.file.exists():
            return ""
        wait_until(lambda: self.configuration.phase(self.namespace) != "Terminating", GONE_S)
        made = self.configuration.put_back(self.kept())
        self.file.unlink()
        return f"{len(made)} objects were put back" if made else "nothing was missing"

    def left_behind(self) -> Sequence[str]:
        try:
            return differences(self._was, self.configuration.keep(self.namespace))
        except NoEvidence as error:
            return [str(error)]

    def _is_available(self) -> bool:
        found = self.workloads.workloads(self.namespace)
        return bool(found) and all(one.current and one.available >= one.wanted for one in found)

    def _is_gone(self) -> bool:
        return self.configuration.phase(self.namespace) == ""
