"""From a load run to what a baseline keeps of it; and blue held against green where they took turns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fixtures.evidence import Missing
from fixtures.target import Environment, Target
from reports.baseline import conditions as under
from reports.baseline.conditions import Conditions
from reports.baseline.sides import Change, Column, Comparison, Window, compare, cut, drift, noise
from reports.baseline.store import MOST_POINTS, RUN, Distribution, Floor, Kept, Noise, Point
from reports.verdicts import Evidence, Measurement
from scenarios.load.measure import why_failed
from scenarios.load.plan import HOUSE
from scenarios.load.result import LoadRun
from scenarios.load.samples import Samples
from scenarios.load.view import Second, View

MOST_FAILED = 0.05  # beyond this, latencies are those of errors and time-outs


@dataclass(frozen=True)
class Occasion:
    """What a run does not know of itself."""

    target: Target
    environment: Environment
    release: str = ""  # the image tag that was measured
    verdict: str = ""
    id: str = ""
    kind: str = RUN


def conditions(run: LoadRun, occasion: Occasion) -> Conditions:
    described, fingerprint = under.machine()
    return Conditions(
        target=occasion.target.system,
        environment=occasion.environment.name,
        load=str(run.plan.model),
        pace=str(occasion.environment.pace),
        side=" and ".join(side for side in run.plan.sides if side) or "whoever serves",
        machine=described,
        fingerprint=fingerprint,
        versions=under.versions(),
        commit=under.commit(HOUSE),
        release=occasion.release,
    )


def kept(run: LoadRun, occasion: Occasion, floor: Noise | None = None) -> Kept:
    """The run as a baseline keeps it: small, because it is committed."""
    return Kept(
        id=occasion.id,
        at=run.zero_unix,
        verdict=occasion.verdict,
        validity=str(run.validity),
        duration_s=run.duration_s,
        conditions=conditions(run, occasion),
        distributions=tuple(distributions(run.samples)),
        course=tuple(course(run.samples.seconds())),
        kind=occasion.kind,
        noise=floor,
    )


def distributions(samples: View) -> list[Distribution]:
    """Of all requests together (""), and of each endpoint; for each side that was asked."""
    made = []
    for endpoint in ("", *samples.endpoints):
        for asked in samples.asked_sides:
            part = samples.of(endpoint, asked) if endpoint else samples.of(asked=asked).requests_only()
            if not part.count:
                continue
            p50, p95, p99 = map(_finite, part.quantiles(0.50, 0.95, 0.99))
            counts = part.histogram().coarser()
            made.append(Distribution(endpoint, asked, part.count, part.failed, p50, p95, p99, counts))
    return made


def course(all_seconds: Sequence[Second]) -> list[Point]:
    """The seconds, or as many of them together as leaves MOST_POINTS. The worst p95 of a stretch stands for it."""
    stride = math.ceil(len(all_seconds) / MOST_POINTS) or 1
    made = []
    for at in range(0, len(all_seconds), stride):
        part = all_seconds[at : at + stride]
        requests, failed = (sum(getattr(one, name) for one in part) for name in ("requests", "failed"))
        p50s, p95s = ([v for one in part if (v := _finite(getattr(one, key)))] for key in ("p50_s", "p95_s"))
        middle = sorted(p50s)[len(p50s) // 2] if p50s else None
        made.append(
            Point(part[0].at_s, requests / len(part), failed / len(part), middle, max(p95s, default=None))
        )
    return made


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


# --- blue against green ----------------------------------------------------------------------------------------------
def windows(samples: Samples, sides: tuple[str, str] = ("blue", "green"), endpoint: str = "") -> list[Window]:
    """Both sides' requests in the order in which they were due, cut into windows."""
    blue, green = (in_order(samples.of(endpoint, side).requests_only()) for side in sides)
    return cut(blue, green)


def in_order(samples: Samples) -> Column:
    """Latencies in the order in which the requests were due."""
    return samples.waited_us[np.argsort(samples.due_ms, kind="stable")]


def side_by_side(run: LoadRun, sides: tuple[str, str] = ("blue", "green")) -> dict[str, Comparison]:
    """All requests together (""), and each endpoint that both sides had enough of to say anything.

    Raises Missing where only histograms of the run came back.
    """
    samples = run.samples
    if not isinstance(samples, Samples):
        raise Missing("a comparison needs every sample, and from other machines only histograms come back")
    found = {"": compare(windows(samples, sides))}
    requests = samples.requests_only()
    for endpoint in requests.endpoints:
        one = compare(windows(samples, sides, endpoint))
        if one.ratios:
            found[endpoint] = one
    return found


def noise_floor(itself: LoadRun, sides: tuple[str, str]) -> Noise | None:
    """Of a run in which both sides were the same. None where it was too short to say.

    Raises Missing where only histograms of the run came back.
    """
    in_turns = {endpoint: _floor(noise(one)) for endpoint, one in side_by_side(itself, sides).items()}
    requests = itself.samples.requests_only()
    assert isinstance(requests, Samples)  # else there was nothing to hold side by side
    later = {one: _floor(drift(in_order(requests.of(one)))) for one in ("", *requests.endpoints)}
    return Noise(in_turns, later) if in_turns[""].p95 and later[""].p95 else None


def _floor(found: Mapping[str, float]) -> Floor:
    return Floor(found.get("p50"), found.get("p95"))


def compared(run: LoadRun, comparisons: Mapping[str, Comparison]) -> Measurement:
    """How many of the comparisons found green slower. No value where all requests together say too little."""
    lines = {endpoint: f"{endpoint or 'all requests'}: {one.reason}" for endpoint, one in comparisons.items()}
    evidence = (Evidence("green over blue", "\n".join(lines.values())), *why_failed(run))
    seen = Measurement(None, "count", run.samples.count, window=run.window, evidence=evidence)
    if why := uncompared(run):
        invalid = "" if run.validity.valid else why
        return dataclasses.replace(seen, why=why, invalid=invalid)
    slower = [lines[name] for name, one in comparisons.items() if one.change is Change.REGRESSED]
    if not slower and comparisons[""].change is Change.TOO_LITTLE:
        return dataclasses.replace(seen, why=lines[""])
    return dataclasses.replace(seen, value=float(len(slower)), why="; ".join(slower))


def uncompared(run: LoadRun) -> str:
    """Why the run says nothing of how fast the sides are: it was not valid, or what came was failures. Else empty."""
    if not run.validity.valid:
        return str(run.validity)
    for side in run.samples.asked_sides:
        part = run.samples.of(asked=side).requests_only()
        if part.failed > MOST_FAILED * part.count:
            return f"{part.failed} of {part.count} requests to {side} failed: there is no speed to compare"
    return ""
