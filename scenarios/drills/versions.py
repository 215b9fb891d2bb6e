"""A version that cannot start takes a service's place, and the last known good one is deployed again.

What was known to be good is on disk, and was read back, before anything is changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.abilities import Workloads
from fixtures.platforms.changes import Changes, Ref
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.noted import Noted
from scenarios.drills.practice import NotBegun
from scenarios.drills.runbook import Act
from scenarios.release.fleet import Fleet

BITES_S = 60.0
READY_S = 180.0
NEVER_BUILT = "0-0000000"  # the tag of an image that nobody built


@dataclass
class OfVersion(Noted):
    """`fleet`: our side's workloads; `unwell`: why a service of it does not serve, "" where all do; `file`: where what
    is known to be good is kept meanwhile."""

    holds = "the last known good version"

    fleet: Fleet
    objects: Changes
    workloads: Workloads
    service: str
    unwell: Callable[[], str]
    file: Path
    clock: Clock
    _was: Mapping[str, Any] = field(default_factory=dict)  # how each deployment was asked for

    def fit(self) -> str:
        self.must_be_over()
        if lacking := self.fleet.lacking():
            raise NotBegun(f"it is not whole to begin with: {lacking}")
        found = self.fleet.definitions()
        put_down(self.file, found)
        self._was = _specs(self.good())
        if self._was != _specs(self.fleet.definitions()):
            raise NotBegun("somebody changes it meanwhile")
        return f"{len(found)} definitions of {self.fleet.namespace} were kept and read back"

    def good(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def strike(self, _: str) -> str:
        ref = Ref("Deployment", self.fleet.namespace, self.service)
        body = self.objects.read_object(ref)
        if body is None:
            return ""
        spec = body["spec"]
        spec["strategy"] = {"type": "Recreate"}  # whoever deploys badly does it thoroughly
        for container in spec["template"]["spec"]["containers"]:
            container["image"] = f"{container['image'].rsplit(':', 1)[0]}:{NEVER_BUILT}"
        self.objects.replace_object(ref, body)
        try:
            wait_until(lambda: self._ready() == 0, BITES_S)
        except TimedOut:
            return ""
        return f"{self.service} has no pod that is ready: {self.fleet.lacking()}"

    def acts(self) -> Mapping[str, Act]:
        return {"redeploy": self.redeploy, "health": self.health}

    def redeploy(self) -> str:
        """Raises NotProven."""
        self.resumed_s = self.clock()
        self._deployed()
        return f"{self.fleet.namespace} runs its last known good version, every pod ready"

    def health(self) -> str:
        """Raises NotProven."""
        if said := self.unwell():
            raise NotProven(said)
        return "every service says that it is well"

    def heal(self) -> str:
        if not self.file.exists():
            return ""
        self._deployed()
        self.file.unlink()
        return f"{self.fleet.namespace} is as it was"

    def left_behind(self) -> Sequence[str]:
        """Of the deployments: what else is among the definitions, controllers write to."""
        now = _specs(self.fleet.definitions())
        found = [f"{name} is not as it was" for name, spec in self._was.items() if now.get(name) != spec]
        lacking = self.fleet.lacking()
        return [*found, *([lacking] if lacking else [])]

    def _deployed(self) -> None:
        self.fleet.redeploy(self.good())
        if lacking := self.fleet.wait_ready(READY_S):
            raise NotProven(f"after {READY_S:g} s {lacking}")

    def _ready(self) -> int:
        found = self.workloads.workloads(self.fleet.namespace)
        return sum(one.ready for one in found if one.name == self.service)


def _specs(definitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {one["metadata"]["name"]: one["spec"] for one in definitions if one["kind"] == "Deployment"}
