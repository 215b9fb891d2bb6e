"""A side small enough to see through: one service in memory, in front of a real database and a real cache."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import psycopg
import redis

from fixtures.clock import wait_until
from fixtures.lab.access import DRAWN
from fixtures.lab.layout import Layout
from fixtures.lab.process import Running
from fixtures.lab.stores import Postgres, valkey
from fixtures.lab.systems.hwayo import SYSTEM
from fixtures.ledger import Ledger
from fixtures.platforms.abilities import Pod, Reply, Workload
from fixtures.platforms.changes import Ref
from fixtures.target import Side, Target
from fixtures.target.base import Sides
from fixtures.target.environment import Credential, Stores
from scenarios.faults.acts import Hands
from scenarios.faults.site import Site
from scenarios.faults.stores import Stores as Voice
from scenarios.surroundings import Surroundings
from tests.faults.shelf import Shelf

SPACE = "hwayo-production-green"
STARTS_S = 20.0
SECRETS = {**dict.fromkeys(DRAWN, "hidden" * 4), **SYSTEM.credentials}
URLS = Mapping[str, Mapping[str, str]]


class Cluster(Shelf):
    """With one workload, whose pods are well; and the kinds that are told to be installed."""

    def __init__(self, *kinds: str) -> None:
        super().__init__()
        self._kinds = kinds
        self.reply = Reply(200, {"date": formatdate(usegmt=True)}, "ok", 0.0)
        self.put(Ref("Namespace", "", SPACE), metadata={"labels": {"verdigris.dev/chaos": "allowed"}})
        self._pods = [Pod(SPACE, f"auth-service-{n}", {"app": "auth-service"}, ready=True) for n in "ab"]

    def has_kind(self, kind: str) -> bool:
        return kind in self._kinds

    def workloads(self, namespace: str) -> Sequence[Workload]:
        return [Workload(namespace, "auth-service", 2, 2, 2, 2, selector={"app": "auth-service"})]

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        return [pod for pod in self._pods if (selector or {}).items() <= pod.labels.items()]

    def get(self, pod: Pod, path: str, timeout_s: float) -> Reply:
        """What a pod says inside."""
        return self.reply

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {"kubernetes.io/metadata.name": namespace}


class On(Surroundings):
    """Surroundings on that cluster."""

    def __init__(self, cluster: Cluster, urls: URLS, target: Target | None = None) -> None:
        known, secret = target or Target.load("hwayo"), Credential.of_lab
        sides = {
            store: Sides[Credential](blue=secret(found["blue"]), green=secret(found["green"]))
            for store, found in urls.items()
        }
        environment = known.environment("lab").model_copy(
            update={"stores": Stores().model_copy(update=sides)}
        )
        super().__init__(known, environment, Side.GREEN)
        self.__dict__["platform"] = cluster


class Watched:
    def must_live(self) -> None:
        """Nobody is killed here."""


def site(cluster: Cluster, urls: URLS, folder: Path) -> Site:
    voice = Voice(urls)
    return Site(Hands(cluster, voice.say, voice.hold), Ledger(folder), Watched())


@contextlib.contextmanager
def stores(layout: Layout) -> Iterator[dict[str, Any]]:
    """Hwayo's own, as its lab has them: store -> side -> URL."""
    postgres = Postgres(layout.database, layout.home, "hidden")
    postgres.prepare()
    parts = (postgres.part(), valkey(layout, SECRETS["cache"]))
    with contextlib.ExitStack() as stack:
        for part in parts:
            running = Running(part, layout.home / f"{part.name}.log")
            stack.callback(running.stop)
        urls = dict(SYSTEM.stores(layout, SECRETS))
        wait_until(lambda: _answers(postgres, urls), STARTS_S)
        postgres.fill(SYSTEM.databases(SECRETS))
        yield urls


def _answers(postgres: Postgres, urls: Mapping[str, Mapping[str, str]]) -> bool:
    try:
        psycopg.connect(f"{postgres.url}/postgres", connect_timeout=2).close()
        with redis.Redis.from_url(urls["cache"]["green"], socket_timeout=2) as cache:
            return bool(cache.ping())
    except (psycopg.Error, redis.RedisError):
        return False
