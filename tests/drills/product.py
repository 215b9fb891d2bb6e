"""A small product over a database of a test's own: records are submitted and listed over HTTP, as users do it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg

from fixtures.platforms.postgres.backups import BaseBackups
from fixtures.platforms.postgres.programs import Login
from fixtures.platforms.postgres.server import Server
from scenarios.drills.ground import Connection
from scenarios.drills.journal import Outcome
from scenarios.drills.truth import Kept
from scenarios.drills.writer import Said, fingerprint
from scenarios.release.probes import Connections, Plan
from tests.drills.database import Stand

APP = "app"


class StandGround:
    """A test's own server as what a drill stands on."""

    databases: tuple[str, ...] = ("postgres",)

    def __init__(self, stand: Stand) -> None:
        self.stand = stand

    @property
    def backups(self) -> BaseBackups:
        return self.stand.backups

    def data(self) -> Path:
        """As its last `serve` left word, whoever called that."""
        word = self.stand.home / "serves"
        return Path(word.read_text()) if word.exists() else self.stand.home / "postgres"

    def is_serving(self) -> bool:
        return self.stand.server.is_running(self.data())

    def kill(self) -> None:
        self.stand.server.kill(self.data())

    def hold(self) -> None:
        self.stand.server.stop(self.data())

    def serve(self, data: Path) -> None:
        word = self.stand.home / "serves.new"
        word.write_text(str(data))
        word.rename(self.stand.home / "serves")
        if not self.is_serving():
            self.stand.server.start(data)

    @contextmanager
    def beside(self, data: Path, *, archives: bool = True) -> Iterator[Server]:
        login = self.stand.login
        settings = {} if archives else {"archive_mode": "off"}
        apart = Login(login.host, login.port + 1, password=login.password)
        server = Server(self.stand.programs, apart, settings)
        server.start(data)
        try:
            yield server
        finally:
            server.stop(data)

    def abandon(self, data: Path) -> None:
        self.stand.server.kill(data)
        self.backups.disown(data, self.data())
        shutil.rmtree(data)

    def connect(self, database: str) -> Connection:
        return self.stand.server.connect(database)


class Quiet(ThreadingHTTPServer):
    """A client that is killed in the middle of a request is no error of the server's."""

    def handle_error(self, *_: object) -> None:
        pass


class Api:
    """POST /records and GET /records, each answered from the database or with 503."""

    def __init__(self, host: str, database: Login) -> None:
        app = Login(database.host, database.port, APP, APP)

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            link: Connection | None = None  # one for each connection of a client's

            def do_GET(self) -> None:
                limit = int(self.path.partition("limit=")[2] or 10**6)
                self._answer("SELECT id, project FROM records ORDER BY id DESC LIMIT %s", limit, 200)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._answer(
                    "INSERT INTO records (project) VALUES (%s) RETURNING id, project", body["project"], 201
                )

            def _link(self) -> Connection:
                """One that stands: users hear nothing of one that an earlier outage broke."""
                with suppress(psycopg.Error):
                    if self.link is not None:
                        self.link.execute(b"SELECT")
                        return self.link
                self.link = psycopg.connect(app.url(), connect_timeout=2, autocommit=True)
                return self.link

            def _answer(self, query: str, value: object, status: int) -> None:
                try:
                    rows = self._link().execute(query.encode(), [value]).fetchall()
                    said: Any = [{"id": number, "project": project} for number, project in rows]
                except psycopg.Error as error:
                    self.link = None
                    status, said = 503, {"error": str(error)}
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Not into the test's output."""

        self._server = Quiet((host, 8000), Door)
        self._server.daemon_threads = True
        self.url = f"http://{host}:8000"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class SmallProduct:
    """What drills need of it."""

    def __init__(self, url: str, mark: str = "drill") -> None:
        self._url, self._mark = url, mark

    def form(self, key: str) -> Mapping[str, Any]:
        return {"project": f"{self._mark} {key}"}

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        response = await http.post("/records", json=dict(form))
        if response.status_code == 201:
            return Said(Outcome.ACKNOWLEDGED, int(response.json()[0]["id"]))
        return Said(Outcome.UNSURE, why=f"{response.status_code} {response.text[:100]}")

    def kept(self) -> Sequence[Kept]:
        listed = httpx.get(f"{self._url}/records", trust_env=False, timeout=10).raise_for_status().json()
        ours = [one for one in listed if str(one["project"]).startswith(f"{self._mark} ")]
        return [
            Kept(one["project"].partition(" ")[2], fingerprint({"project": one["project"]}), one["id"])
            for one in ours
        ]

    private: Mapping[str, str] = {}

    def reading(self, path: str = "") -> Plan:
        return Plan(
            f"{self._url}{path or '/records?limit=5'}", rate_rps=20, timeout_s=3, connections=Connections.KEPT
        )

    def client(self, timeout_s: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._url, timeout=timeout_s, trust_env=False)
