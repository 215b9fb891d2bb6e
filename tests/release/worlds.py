"""Small stand-ins at the seams of a release: a clock, monitoring that follows a script, probes, a platform."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fixtures.platforms.abilities import Pod, Workload
from fixtures.platforms.changes import Conflict, Ref
from scenarios.release.counts import Point, Reading, Series
from scenarios.release.guards import Seen
from scenarios.release.probes import COLUMNS, FORMAT, NOBODY, Outcome, Record, Served
from scenarios.release.terms import LONGEST, Guard, Terms
from scenarios.release.timeline import Timeline

BEGAN_S = 1_700_000_000.0
BLUE, GREEN = "shop", "shop-green"
RATE_RPS = 20.0
Json = dict[str, Any]


@dataclass
class FakeClock:
    """Time passes only when somebody sleeps; `then` sees every moment that is reached."""

    at_s: float = BEGAN_S
    then: Callable[[float], None] = lambda _: None

    def now(self) -> float:
        return self.at_s

    def sleep(self, seconds: float) -> None:
        self.at_s += seconds
        self.then(self.at_s)


SERVERS = (NOBODY, Served("blue", "1", "b"), Served("green", "2", "g"))
Serve = Callable[[float, bool], tuple[str, Outcome]]  # (moment, on a fresh connection) -> side, outcome


def probes(serve: Serve, seconds: float, rate_rps: float = RATE_RPS, from_s: float = BEGAN_S) -> Timeline:
    """A timeline of probes that are answered as `serve` says, 10 ms after they are due."""
    made = []
    for number in range(round(seconds * rate_rps)):
        fresh = number % 2 == 0
        side, outcome = serve(from_s + number / rate_rps, fresh)
        served = {"blue": 1, "green": 2}.get(side, 0)
        status = 200 if outcome is Outcome.OK else 503 if outcome is Outcome.STATUS else 0
        due_us = round((from_s + number / rate_rps) * 1e6)
        made.append(Record(due_us, 0, 10_000, status, served, outcome, fresh))
    rows = np.frombuffer(b"".join(FORMAT.pack(*one) for one in made), COLUMNS)
    return Timeline(rows, SERVERS, 1 / rate_rps, from_s)


def shared_out(green: float) -> Serve:
    """Every so-manieth probe is green's, on either kind of connection."""

    def serve(at_s: float, fresh: bool) -> tuple[str, Outcome]:
        number = round((at_s - BEGAN_S) * RATE_RPS) // 2
        return ("green" if int((number + 1) * green) > int(number * green) else "blue"), Outcome.OK

    return serve


@dataclass
class Scripted:
    """Eyes that see a side's shares of bad answers as they are told: metric -> share, for green and for blue."""

    terms: Terms
    clock: FakeClock
    green_bad: Mapping[str, float] = field(default_factory=dict)
    blue_bad: Mapping[str, float] = field(default_factory=dict)
    weight: float = 0.05
    rps: float = 100.0
    values: Mapping[str, tuple[Seen, Seen]] = field(default_factory=dict)
    serve: Serve | None = None
    silent_from_s: float = float("inf")
    serve_until_s: float = float("inf")

    def counters(self) -> Reading:
        now_s = self.clock.now()
        passed_s = now_s - BEGAN_S + 100
        series: dict[Series, Point] = {}
        for counter in self.terms.counters:
            metric = counter.name.split()[0]
            for side, share in (("green", self.weight), ("blue", 1 - self.weight)):
                if side == "green" and now_s >= self.silent_from_s:
                    continue
                n = self.rps * share * passed_s
                bad = n * (self.green_bad if side == "green" else self.blue_bad).get(metric, 0.0)
                good = [name for name, sign in counter.bad.items() if sign < 0]
                for name in {*counter.of, *counter.bad}:
                    series[Series(name, side, f"{side}-pod")] = Point(
                        float(int(n - bad) if name in good else int(n)), now_s
                    )
        return Reading(now_s, series)

    def guarded(self, guards: Sequence[Guard]) -> Mapping[Guard, tuple[Seen, Seen]]:
        fine = (Seen(0.0, False), Seen(0.0, False))
        return {guard: self.values.get(guard.name, fine) for guard in guards}

    def timeline(self) -> Timeline:
        return self._probes.between(BEGAN_S, min(self.clock.now(), self.serve_until_s))

    @cached_property
    def _probes(self) -> Timeline:
        return probes(self.serve or shared_out(self.weight), LONGEST * 900, rate_rps=RATE_RPS)


# --- a platform ------------------------------------------------------------------------------------------------------
def virtual_service(green: int = 0) -> Json:
    def to(namespace: str, weight: int) -> Json:
        return {"destination": {"host": f"gate.{namespace}.svc", "port": {"number": 80}}, "weight": weight}

    return {
        "metadata": {"namespace": BLUE, "name": "canary", "resourceVersion": "1", "uid": "canary"},
        "spec": {
            "hosts": ["shop.example"],
            "http": [
                {"match": [{"headers": {"canary": {"exact": "true"}}}], "route": [to(GREEN, 100)]},
                {"route": [to(BLUE, 100 - green), to(GREEN, green)]},
            ],
        },
    }


class FakePlatform:
    """Objects with versions; deployments are as many as they are asked to be, at once. `meddle` runs before a write."""

    def __init__(self, *objects: tuple[str, Json]) -> None:
        self.objects = {Ref.of(kind, body): copy.deepcopy(body) for kind, body in objects}
        self.meddle: Callable[[Ref], None] = lambda _: None
        self.unready: dict[str, str] = {}

    def change(self, ref: Ref, by: str, change: Callable[[Json], None]) -> None:
        """As somebody else does."""
        body = self.objects[ref]
        change(body)
        self._touched(body, by)

    @staticmethod
    def _touched(body: Json, by: str) -> None:
        metadata = body["metadata"]
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        entry = {"manager": by, "time": metadata["resourceVersion"]}
        metadata["managedFields"] = [*(metadata.get("managedFields") or ()), entry]

    def change_kinds(self) -> Sequence[str]:
        return tuple({ref.kind for ref in self.objects})

    def read_object(self, ref: Ref) -> Json | None:
        return copy.deepcopy(self.objects.get(ref))

    def list_objects(self, kind: str, namespace: str = "") -> Sequence[Json]:
        return [
            copy.deepcopy(body)
            for ref, body in self.objects.items()
            if ref.kind == kind and namespace in ("", ref.namespace)
        ]

    def create_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        raise Conflict(f"nobody makes {ref} here")

    def replace_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        self.meddle(ref)
        now = self.objects[ref]
        if now["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise Conflict(f"{ref} was changed")
        self.objects[ref] = copy.deepcopy(dict(body))
        self._touched(self.objects[ref], "verdigris")
        return copy.deepcopy(self.objects[ref])

    def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
        del self.objects[ref]

    # --- Workloads ---------------------------------------------------------------------------------------------------
    def workloads(self, namespace: str) -> Sequence[Workload]:
        found = []
        for body in self.list_objects("Deployment", namespace):
            name, wanted = body["metadata"]["name"], body["spec"]["replicas"]
            ready = 0 if name in self.unready else wanted
            why = self.unready.get(name, "")
            found.append(Workload(namespace, name, wanted, ready, ready, wanted, why=why))
        return found

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        return []

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {}


def deployment(namespace: str, name: str, replicas: int = 2, image: str = "shop:1") -> tuple[str, Json]:
    metadata = {"namespace": namespace, "name": name, "resourceVersion": "1", "uid": f"{namespace}/{name}"}
    return "Deployment", {"metadata": metadata, "spec": {"replicas": replicas, "image": image}}


def namespace(name: str) -> tuple[str, Json]:
    return "Namespace", {"metadata": {"name": name, "resourceVersion": "1", "uid": name}}
