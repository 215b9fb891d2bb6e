"""What a load run is to do, as data: the same on the command line, in a generator's process and on another machine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures.load_model import MODEL, PROFILES
from scenarios.load.arrivals import Profile, Segment, named

HOUSE = Path(__file__).resolve().parent.parent.parent
IN_FLIGHT = 2000  # requests that may be unanswered at once; more are dropped, as a full accept queue would
DRAIN_S = 30.0  # how long requests may still be in flight after the last one was due
SESSIONS = 100  # who is logged in; §11.1's concurrent users


class BadModel(ValueError):
    """A load model that cannot be read."""


@dataclass(frozen=True)
class Open:
    """Users who come whatever the system does: one arrival per due moment, latency from that moment."""

    profile: Profile
    sessions: int = SESSIONS  # logged-in users whom arrivals take turns with
    in_flight: int = IN_FLIGHT

    @property
    def duration_s(self) -> float:
        return self.profile.duration_s

    @property
    def held_s(self) -> float:
        """How long the whole rate is kept up."""
        begin_s, end_s = self.profile.held_s
        return end_s - begin_s

    def __str__(self) -> str:
        peak = f"{self.profile.peak_rps:g}/s"
        return f"open, {self.profile.name} {peak}, {self.sessions} sessions, {self.held_s:g} s"


@dataclass(frozen=True)
class Closed:
    """Users who wait for an answer, think for a random while, and go on: as many requests as the system allows."""

    users: int
    duration_s: float

    @property
    def held_s(self) -> float:
        return self.duration_s

    def __str__(self) -> str:
        return f"closed, {self.users} users, {self.duration_s:g} s"


Model = Open | Closed


def read_model(text: str, duration_s: float, profile: str = "", sessions: int = SESSIONS) -> Model:
    """`rate=500/s` (a soak, unless another profile is named) or `users=100`; raises BadModel."""
    found = MODEL.fullmatch(text)
    if not found or duration_s <= 0:
        raise BadModel(f"read load model {text!r} for {duration_s:g} s, expected rate=500/s or users=100")
    rate, users = found.groups()
    if users is not None:
        if int(users) == 0 or profile:
            raise BadModel(f"{text!r} with profile {profile}: users=N takes at least one, and no profile")
        return Closed(int(users), duration_s)
    profile = profile or "soak"
    if float(rate) == 0 or profile not in PROFILES:
        raise BadModel(f"{text!r} with profile {profile!r}: a rate above 0, and one of {', '.join(PROFILES)}")
    return Open(named(profile, float(rate), duration_s), sessions)


def locustfile_of(system: str) -> str:
    """Where it stands, or would."""
    return f"scenarios/load/{system.replace('-', '_')}.py"


@dataclass(frozen=True)
class Plan:
    """`sides` are what to ask for, with the headers that lead there; requests take turns between them, one by one."""

    host: str
    model: Model
    locustfile: str  # from the house, where it is not absolute
    sides: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"": {}})
    served_header: str = "x-served-side"
    ca: str = ""  # a PEM file to trust; without it the certificate is not verified, as Locust does by default
    bounds_us: tuple[int, ...] = ()  # those that will be judged, so that histograms count beyond them exactly
    seed: int = 1
    drain_s: float = DRAIN_S
    # Tasks of the locustfile -> how often, instead of its own mix.
    mix: Mapping[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "open": isinstance(self.model, Open)}

    def written(self) -> str:
        return json.dumps(self.plain())

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Plan:
        rest = dict(plain)
        model, is_open = dict(rest.pop("model")), rest.pop("open")
        if is_open:
            profile = model.pop("profile")
            segments = tuple(Segment(**one) for one in profile["segments"])
            made: Model = Open(Profile(profile["name"], segments), **model)
        else:
            made = Closed(**model)
        return cls(**{**rest, "model": made, "bounds_us": tuple(rest["bounds_us"])})

    @property
    def file(self) -> Path:
        return HOUSE / self.locustfile
