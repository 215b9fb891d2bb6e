"""One side's workloads as a release moves them: scaled, waited for, backed up, marked, put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fixtures.clock import Clock, TimedOut, wait_until
from fixtures.evidence import Missing
from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.changes import Changes, Conflict, Ref
from scenarios.release.within import got, put, unmarked

KIND = "Deployment"
BACKED_UP = ("ConfigMap", "Deployment", "Service", "NetworkPolicy", "VirtualService")
REDEPLOYED = {
    "ConfigMap": "data",
    "Deployment": "spec",
}  # settings first; the part of each that makes it what it is
SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
REMOVE_AFTER = "verdigris/remove-after"
TRIES = 5  # a controller writes to the same objects all the time
SOON_S = 20.0  # within which a workload that is put back is ready, or the next is put back beside it

Json = dict[str, Any]


class Fleet:
    """The deployments of one namespace."""

    def __init__(
        self, platform: object, namespace: str, clock: Clock, changes: Changes | None = None
    ) -> None:
        """`changes`: what it writes through, where that is not the platform itself."""
        self._changes = changes or able(platform, Changes)
        self._workloads = able(platform, Workloads)
        self._clock = clock
        self._ours: dict[str, int] = {}  # the numbers that we set
        self.namespace = namespace

    # --- how many ----------------------------------------------------------------------------------------------------
    def replicas(self) -> dict[str, int]:
        return {one.name: one.wanted for one in self._workloads.workloads(self.namespace)}

    def scale(self, wanted: Mapping[str, int]) -> None:
        """Raises Conflict where somebody else set another number meanwhile."""
        for name, number in wanted.items():
            self._ours[name] = number  # before the call: it may have been carried out although it raised
            self._change(Ref(KIND, self.namespace, name), ("spec", "replicas"), number)

    def put_back(self, wanted: Mapping[str, int]) -> None:
        """Where the number there is one that we set; what an autoscaler or a person has set since stays. One workload
        after the other: nobody waits for them, and the other side's users may be served by the same machines."""
        for name, number in wanted.items():
            there = self.replicas().get(name)
            if there != number and there == self._ours.get(name):
                self.scale({name: number})
                self.wait_ready(SOON_S)

    def at_least(self, wanted: Mapping[str, int]) -> None:
        """Scaled up where there are fewer; a number that an autoscaler or a person has raised since stays."""
        now = self.replicas()
        self.scale({name: number for name, number in wanted.items() if now.get(name, 0) < number})

    def scale_all(self, number: int) -> None:
        self.scale(dict.fromkeys(self.replicas(), number))

    def lacking(self) -> str:
        """Which workloads are not as many and as ready as they are asked to be; empty when all are."""
        found = self._workloads.workloads(self.namespace)
        if not found:
            return f"{self.namespace} has no workload"
        waiting = []
        for one in found:
            settled = one.current and one.ready == one.wanted == one.available
            here = len(self._workloads.pods(self.namespace, one.selector)) if one.selector else one.ready
            if not settled or here != one.wanted:
                waiting.append(
                    f"{one.name} has {one.ready} ready of {one.wanted}{f' ({one.why})' if one.why else ''}"
                )
        return ", ".join(waiting)

    def wait_ready(self, timeout_s: float) -> str:
        """Empty once every workload is as it should be; else what is still lacking."""
        try:
            wait_until(lambda: not self.lacking(), timeout_s, self._clock)
        except TimedOut:
            return self.lacking()
        return ""

    def idle(self) -> str:
        """Which workloads are asked for nothing: they could take no traffic."""
        return ", ".join(name for name, number in self.replicas().items() if not number)

    # --- what it is --------------------------------------------------------------------------------------------------
    def definitions(self) -> list[Json]:
        """Everything that makes the side what it is, as it could be made anew; secrets stay where they are."""
        return [
            _bare(kind, one) for kind in BACKED_UP for one in self._changes.list_objects(kind, self.namespace)
        ]

    def back_up(self, path: Path) -> int:
        """How many objects the file holds when it is read again. Raises Missing where there is nothing to keep."""
        found = self.definitions()
        path.write_text(yaml.safe_dump_all(found, allow_unicode=True, sort_keys=False), encoding="utf-8")
        kept = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        if kept != found or not any(one["kind"] == KIND for one in kept):
            raise Missing(f"the backup of {self.namespace} holds {len(kept)} objects of {len(found)}")
        return len(kept)

    def redeploy(self, definitions: Sequence[Json]) -> None:
        """Workloads and their settings as they were when they were known to be good; made anew where they are gone."""
        for one in definitions:
            part = REDEPLOYED.get(one["kind"])
            ref = Ref.of(one["kind"], one)
            if part is None:
                continue
            if self._changes.read_object(ref) is None:
                self._changes.create_object(ref, one)
            else:
                self._change(ref, (part,), one.get(part))

    # --- marks -------------------------------------------------------------------------------------------------------
    def marked(self) -> str | None:
        """From when on it may be removed, as it says itself."""
        found = self._changes.read_object(Ref("Namespace", "", self.namespace))
        note: str | None = ((found or {}).get("metadata", {}).get("annotations") or {}).get(REMOVE_AFTER)
        return note

    def mark(self, note: str | None) -> None:
        self._change(Ref("Namespace", "", self.namespace), ("metadata", "annotations", REMOVE_AFTER), note)

    # -----------------------------------------------------------------------------------------------------------------
    def _change(self, ref: Ref, at: tuple[str, ...], value: object) -> None:
        """Set one field. Written again where a controller was faster, never where the field itself was changed."""
        seen: object = None
        for attempt in range(TRIES):
            body = self._changes.read_object(ref)
            if body is None:
                raise Missing(f"there is no {ref}")
            now = got(body, at)
            if now == value:
                return
            if attempt and now != seen:
                raise Conflict(f"{ref}: somebody else set {'.'.join(at)} meanwhile")
            seen = now
            try:
                self._changes.replace_object(ref, put(body, at, value))
            except Conflict:
                continue
            return
        raise Conflict(f"{ref} was changed {TRIES} times while {'.'.join(at)} was to be set")


def _bare(kind: str, found: Json) -> Json:
    metadata = {key: value for key, value in unmarked(found)["metadata"].items() if key not in SERVERS_OWN}
    rest = {key: value for key, value in found.items() if key not in ("status", "metadata", "kind")}
    return {"kind": kind, "metadata": metadata, **rest}
