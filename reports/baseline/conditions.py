"""Under what conditions something was measured, and which of them make two measurements incomparable."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

GENERATOR = ("locust", "gevent", "geventhttpclient")  # whose versions change what is measured


@dataclass(frozen=True)
class Conditions:
    """What a figure depends on besides the system itself."""

    target: str
    environment: str
    load: str  # the load model in words, e.g. "open, constant 505/s, 100 sessions, 10 s"
    pace: str
    side: str  # blue, green, or "blue and green" where they took turns
    machine: str  # for people, e.g. "2 × Xeon, 4 GiB, Linux 6.1"
    fingerprint: str  # the same in few letters
    versions: Mapping[str, str] = field(default_factory=dict)  # python, locust, …
    commit: str = ""  # of the repository that the run was made from
    release: str = ""  # of the system that was measured: its image's tag

    # Figures under a different one of these are figures of something else.
    DECISIVE = ("target", "environment", "load", "pace", "machine")
    # Under a different one of these, figures are compared, and the difference is said.
    WORTH_SAYING = ("side", "versions")


@dataclass(frozen=True)
class Difference:
    what: str
    before: str
    now: str
    decisive: bool

    def __str__(self) -> str:
        return f"{self.what}: then {self.before or 'none'}, now {self.now or 'none'}"


class OtherConditions(Exception):
    """Two measurements that cannot be compared; the message says what differs."""

    def __init__(self, differences: list[Difference]) -> None:
        super().__init__("measured under other conditions: " + "; ".join(map(str, differences)))
        self.differences = differences


def differences(before: Conditions, now: Conditions) -> list[Difference]:
    """What differs, without commit and release: those are what a comparison is about."""
    found = []
    for name in (*Conditions.DECISIVE, *Conditions.WORTH_SAYING):
        one, other = getattr(before, name), getattr(now, name)
        decisive = name in Conditions.DECISIVE
        if name == "machine":
            one, other = f"{one} ({before.fingerprint})", f"{other} ({now.fingerprint})"
            decisive = before.fingerprint != now.fingerprint
        if isinstance(one, Mapping):
            names = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
            found += [Difference(key, one.get(key, ""), other.get(key, ""), decisive) for key in names]
        elif one != other:
            found.append(Difference(name, one, other, decisive))
    return found


def comparable(before: Conditions, now: Conditions) -> list[Difference]:
    """The differences worth saying. Raises OtherConditions where one is decisive."""
    found = differences(before, now)
    if decisive := [one for one in found if one.decisive]:
        raise OtherConditions(decisive)
    return found


def fits(before: Conditions, now: Conditions) -> bool:
    return not any(one.decisive for one in differences(before, now))


def machine() -> tuple[str, str]:
    """This machine for people, and its fingerprint: processor, cores and memory, but no name and no address."""
    memory_gib = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    cores = len(os.sched_getaffinity(0))
    described = f"{cores} × {_processor()}, {memory_gib} GiB"
    digest = hashlib.sha256(described.encode()).hexdigest()[:10]
    return f"{described}, {platform.system()} {platform.release().split('-')[0]}", digest


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def versions() -> dict[str, str]:
    """Of what generates the load; asked of the packages' metadata, so that nothing is imported."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in GENERATOR}}


def commit(repository: Path) -> str:
    """The commit that stands there, with a + where something was changed since; empty outside of a repository."""
    ask = ["git", "-C", str(repository), "describe", "--always", "--dirty=+", "--exclude=*"]
    said = subprocess.run(ask, capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""


def plain(conditions: Conditions) -> dict[str, object]:
    return dataclasses.asdict(conditions)
