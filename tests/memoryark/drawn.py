"""A project as Docker's API would tell of it, drawn by hand: each container and network, and who is in reach."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from fixtures.platforms.abilities import Pod, Workload
from fixtures.platforms.compose import told
from fixtures.platforms.containers import Asked, Network, Ran
from fixtures.probes.prometheus import Sample
from fixtures.target import Side, Target
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings

Json = dict[str, Any]
PROJECT = "memoryark-green"
FRONT, BACK, MONITORING = (f"memoryark-{name}-net" for name in ("frontend", "backend", "monitoring"))
IN = {
    "nginx-proxy": (FRONT, BACK), "memoryark-frontend": (FRONT,), "memoryark-backend": (BACK, MONITORING),
    "line-service": (BACK, MONITORING), "redis": (BACK,), "prometheus": (MONITORING,), "grafana": (MONITORING,),
}  # fmt: skip
MOUNTS = {
    "nginx-proxy": ("logs", "config"), "memoryark-frontend": ("logs", "config"), "redis": (), "grafana": (),
    "memoryark-backend": ("data", "uploads", "logs", "config", "backups"), "prometheus": ("config",),
    "line-service": ("uploads", "logs", "config"),
}  # fmt: skip
SETTINGS = {
    "NODE_ENV": "production", "LOG_LEVEL": "info", "TZ": "Asia/Taipei", "REDIS_HOST": "redis", "REDIS_PORT": "6379",
    "LINE_WEBHOOK_URL": "https://line.memoryark.net/webhook/line", "GRAFANA_URL": "http://grafana:3000",
    "MEMORYARK_API_URL": "http://memoryark-backend:8081", "PROMETHEUS_ENDPOINT": "http://prometheus:9090",
    "LINE_CHANNEL_ACCESS_TOKEN": "a", "LINE_CHANNEL_SECRET": "b", "MEMORYARK_API_TOKEN": "c", "REDIS_PASSWORD": "d=e",
}  # fmt: skip
MIB = 1024 * 1024


def container(service: str) -> Json:
    """As `GET /containers/ID/json` has it."""
    number = list(IN).index(service) + 10
    networks = {f"ark_{net}": {"IPAddress": f"10.9.{len(net)}.{number}"} for net in IN[service]}
    host: Json = {"RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0}, "PortBindings": {}}
    if service == "nginx-proxy":
        host["PortBindings"] = {"443/tcp": [{"HostIp": "", "HostPort": "443"}]}
    if service == "line-service":
        host["RestartPolicy"] = {"Name": "on-failure", "MaximumRetryCount": 3}
        host |= {"NanoCpus": 10**9, "Memory": 512 * MIB, "MemoryReservation": 256 * MIB}
    return {
        "Name": f"/ark-{service}-1",
        "RestartCount": 0,
        "State": {
            "Status": "running",
            "Running": True,
            "ExitCode": 0,
            "Health": {"Status": "healthy", "Log": []},
        },
        "HostConfig": host,
        "Config": {
            "Image": f"ark/{service}:v1",
            "Labels": {told.PROJECT: PROJECT, told.SERVICE: service},
            "Env": [f"{key}={value}" for key, value in SETTINGS.items()] if service == "line-service" else [],
            "ExposedPorts": {"3000/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "curl", "-f", "http://localhost"]},
        },
        "Mounts": [
            {"Source": f"/srv/ark/{name}", "Destination": f"/{name}", "RW": True} for name in MOUNTS[service]
        ],
        "NetworkSettings": {"Networks": networks},
    }


class Drawn:
    """The platform. `reach` says who of whom is let in, beside those who share a network; None: nobody can knock."""

    def __init__(self) -> None:
        self.containers = {service: container(service) for service in IN}
        self.strangers: dict[str, set[str]] = {FRONT: set(), BACK: set(), MONITORING: set()}
        self.reach: set[tuple[str, str]] | None = set()
        self.backups = {
            name: {"made": time.time(), "size": 100, "sum": 0}
            for name in ("database", "uploads", "config", "full", "archive")
        }

    def workloads(self, namespace: str) -> Sequence[Workload]:
        return [told.workload(namespace, service, [one]) for service, one in self.containers.items()]

    def pods(self, namespace: str, selector: Json | None = None) -> Sequence[Pod]:
        made = [told.pod(one, namespace) for one in self.containers.values()]
        return [one for one in made if (selector or {}).items() <= one.labels.items()]

    def labels(self, _: str) -> Json:
        return {}

    def asked(self, _: str) -> Sequence[Asked]:
        return [told.asked(one, self._names()) for one in self.containers.values()]

    def networks(self, _: str) -> Sequence[Network]:
        found = []
        for engines, name in self._names().items():
            inside = {
                told.name_of(one)
                for one in self.containers.values()
                if engines in one["NetworkSettings"]["Networks"] and one["State"]["Running"]
            }
            members = {number: {"Name": one} for number, one in enumerate(inside | self.strangers[name])}
            found.append(told.network({"Containers": members}, name))
        return found

    def run(self, pod: Pod, command: Sequence[str]) -> Ran:
        said = " ".join(command)
        if "/dev/tcp/" in said:
            return Ran(0 if self._lets_in(pod, said.split("/dev/tcp/")[1].split("/")[0]) else 1, "")
        kept = self.backups[next(name for name in self.backups if f"/backups/{name} " in said)]
        if "sha256sum" in said:
            return Ran(int(kept["sum"]), "FAILED" if kept["sum"] else "OK")
        name = "b-20260101-020000.tar.gz"
        listed = f"{kept['made']:.0f} {kept['size']} {name}\n{kept['made']:.0f} 90 {name}.sha256"
        return Ran(0, listed if kept["size"] >= 0 else "")

    def _lets_in(self, pod: Pod, host: str) -> bool:
        if self.reach is None:
            return False
        source = pod.labels[told.SERVICE]
        target = next(
            name
            for name, one in self.containers.items()
            if host == name
            or host in {net["IPAddress"] for net in one["NetworkSettings"]["Networks"].values()}
        )
        return bool(set(IN[source]) & set(IN[target])) or (source, target) in self.reach

    def _names(self) -> dict[str, str]:
        return {f"ark_{net}": net for net in self.strangers}


@cache
def _target() -> Target:
    return Target.load("memoryark-line")


class Told:
    """A Prometheus that has one answer for all that is asked, or one for what contains a word; None: no series."""

    def __init__(self, value: float | None, **by_word: float | None) -> None:
        self._value, self._by_word = value, by_word
        self.asked: list[str] = []

    def query(self, promql: str) -> list[Sample]:
        self.asked.append(promql)
        value = next((one for word, one in self._by_word.items() if word in promql), self._value)
        others = Sample({"namespace": "memoryark"}, 9e9, time.time())
        return [others] if value is None else [others, Sample({"namespace": PROJECT}, value, time.time())]


def seen(platform: Drawn, name: str, prometheus: Told | None = None) -> Measurement:
    """What the profile's check of that name finds."""
    target = _target()
    around = Surroundings(target, target.environment("lab"), Side.GREEN)
    around.platform = platform
    if prometheus:
        around.prometheus = prometheus  # type: ignore[assignment]
    return measure(next(one for one in target.checks if one.name == name), around)
