"""One side of Hwayo as processes on loopback: real stores, the six services, and a sink. No cluster, no mesh."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
from redis import Redis

from fixtures.lab.access import DRAWN
from fixtures.lab.layout import Layout
from fixtures.lab.process import Part, Running
from fixtures.lab.sided import cache_url, database_url
from fixtures.lab.stores import Postgres, valkey
from fixtures.lab.systems.hwayo import SYSTEM
from fixtures.lab.systems.hwayo.catalogue import BLUE, PORT, SERVICES, ServiceSpec
from tests.subnets import kept

NOTED = '"msg": "behaviour: changed"'
CREDENTIALS = {
    **SYSTEM.credentials,
    **{name: secrets.token_urlsafe(12) for name in DRAWN},
}


def wait_until(true: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {true}"
        time.sleep(0.02)


def listens(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with socket.socket() as trial:
        trial.settimeout(1)
        return trial.connect_ex((host, int(port))) == 0


class Sink:
    """Takes notifications and keeps them; answers `status`."""

    def __init__(self, address: str) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        sink = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if sink.status == 200:
                    sink.messages.append({"path": self.path, **body})
                self.send_response(sink.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Not into the test's output."""

        host, port = address.rsplit(":", 1)
        self._server = ThreadingHTTPServer((host, int(port)), Door)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def about(self, subject: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["subject"] == subject]


@dataclass
class Pod:
    """One service's process, and what is known of it."""

    spec: ServiceSpec
    ip: str
    root: Path
    environment: Mapping[str, str]
    running: Running | None = None

    @property
    def url(self) -> str:
        return f"http://{self.ip}:{PORT}"

    def start(self) -> None:
        (self.root / "etc/behaviour").mkdir(parents=True, exist_ok=True)
        part = Part(self.spec.name, [sys.executable, "-m", self.spec.module], self.environment, grace_s=15)
        self.running = Running(part, self.root / "log")

    def behave(self, **told: str) -> None:
        """Write what the kubelet would for the ConfigMap, and wait until the service has taken note, if it runs."""
        folder = self.root / "etc/behaviour"
        if told == {file.name: file.read_text() for file in folder.iterdir()}:
            return
        noted = self.log().count(NOTED)
        staged = self.root / "behaviour.new"
        staged.mkdir()
        for key, value in told.items():
            (staged / key).write_text(value)
        # All at once, as the kubelet does it.
        folder.rename(self.root / "behaviour.old")
        staged.rename(folder)
        shutil.rmtree(self.root / "behaviour.old")
        assert self.running
        if self.running.alive:
            wait_until(lambda: self.log().count(NOTED) > noted, 2)

    def log(self) -> str:
        return (self.root / "log").read_text()

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop()
            self.running = None


@dataclass
class Side:
    """Blue, whole."""

    home: Path
    layout: Layout = field(init=False)
    pods: dict[str, Pod] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layout = Layout(subnet=kept(), home=self.home)
        self.layout.logs.mkdir(parents=True)
        self.postgres = Postgres(self.layout.database, self.home, secrets.token_urlsafe(12))
        self.database: Running | None = None
        self.cache: Running | None = None
        self.sink = Sink(self.layout.sink)

    def start(self) -> None:
        self.postgres.prepare()
        self.start_database()
        self.postgres.fill(SYSTEM.databases(CREDENTIALS))
        self.start_cache()
        for number, spec in enumerate(SERVICES):
            self.pods[spec.name] = self.pod(spec, number)
            self.pods[spec.name].start()
        for pod in self.pods.values():
            wait_until(lambda pod=pod: healthy(pod), 20)  # type: ignore[misc]

    def pod(self, spec: ServiceSpec, number: int) -> Pod:
        name = f"{spec.name}-{number}"
        ip = self.layout.pod_ip(1, number + 2)
        root = self.layout.pods / name
        urls = {
            f"{other.name.upper().replace('-', '_')}_URL": f"http://{self.layout.pod_ip(1, place + 2)}:{PORT}"
            for place, other in enumerate(SERVICES)
        }
        environment = {
            "POD_IP": ip,
            "POD_NAME": name,
            "POD_IMAGE": f"registry/{spec.image}:{BLUE.tag}",
            "POD_ROOT": str(root),
            "ENVIRONMENT": "blue",
            "TOKEN_TTL_S": "3600",
            "TOKEN_KEY": CREDENTIALS["token_key"],
            "SINK_URL": f"http://{self.layout.sink}/app",
            "DATABASE_CONFIG": database_url(BLUE, self.layout.database, CREDENTIALS),
            "REDIS_CONFIG": cache_url(BLUE, self.layout.cache, CREDENTIALS),
            **urls,
        }
        return Pod(spec, ip, root, environment)

    def start_database(self) -> None:
        self.database = Running(self.postgres.part(), self.layout.logs / "postgres.log")
        wait_until(self._database_accepts)

    def _database_accepts(self) -> bool:
        try:
            psycopg.connect(f"{self.postgres.url}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def start_cache(self) -> None:
        self.cache = Running(valkey(self.layout, CREDENTIALS["cache"]), self.layout.logs / "valkey.log")
        wait_until(lambda: listens(self.layout.cache))

    def stop_database(self) -> None:
        assert self.database
        self.database.stop()

    def stop_cache(self) -> None:
        assert self.cache
        self.cache.stop()

    def valkey(self) -> Redis:
        return Redis.from_url(cache_url(BLUE, self.layout.cache, CREDENTIALS), decode_responses=True)

    def stick(self) -> None:
        """Have the report generator's worker stop, and wait until it no longer waits for a job it asked for before."""
        pod = self.pods["report-generator"]
        pod.behave(report_stuck="true")
        name = pod.environment["POD_NAME"]
        with self.valkey() as valkey:
            wait_until(
                lambda: not any(one["name"] == name and "b" in one["flags"] for one in valkey.client_list())
            )

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """As the superuser, in blue's database."""
        with psycopg.connect(f"{self.postgres.url}/{BLUE.database}", autocommit=True) as database:
            return database.execute(query.encode()).fetchall()

    def stop(self) -> None:
        for pod in self.pods.values():
            if pod.running:
                pod.running.ask_to_stop()
        for pod in self.pods.values():
            pod.stop()
        for store in (self.database, self.cache):
            if store is not None:
                store.stop()
        self.sink.stop()


def healthy(pod: Pod) -> bool:
    assert pod.running
    pod.running.must_live()
    try:
        return httpx.get(pod.url + pod.spec.health, timeout=3).status_code == 200
    except httpx.TransportError:
        return False
