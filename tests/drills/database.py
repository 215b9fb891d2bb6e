"""A PostgreSQL of a test's own with an archive and backups, in a folder that its user can reach. Takes about 1 s."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fixtures.clock import wait_until
from fixtures.lab.stores import NOBODY, Postgres, archiving
from fixtures.platforms.postgres.archive import SWITCHED
from fixtures.platforms.postgres.backups import BaseBackups
from fixtures.platforms.postgres.programs import Login, Programs
from fixtures.platforms.postgres.server import Server
from tests.subnets import claimed

PASSWORD = "hidden"
SCHEMA = (
    "CREATE TABLE records (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project text NOT NULL)",
    "CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, record bigint REFERENCES records)",
    "CREATE ROLE app LOGIN PASSWORD 'app'",
    "GRANT SELECT, INSERT ON records TO app",
    "GRANT SELECT ON audit TO app",
)


class Stand:
    """A server on `data`, its archive and its backups, below `home`."""

    def __init__(self, home: Path, host: str) -> None:
        layout = Postgres(f"{host}:5432", home, PASSWORD)
        self.home, self.data, self.log = home, layout.data, layout.archive
        self.programs = Programs(layout.bin, layout.uid)
        self.login = Login(host, 5432, password=PASSWORD)
        self.server = Server(self.programs, self.login)
        self.backups = BaseBackups(self.programs, self.login, home / "backups", self.log)

    def prepare(self, template: Path) -> None:
        """From a data folder that was filled once."""
        self.programs.run("cp", "-a", str(template), str(self.data))
        self.log.mkdir()
        self.programs.own(self.log)
        settings = {
            "archive_mode": "on",
            "archive_command": archiving(self.log),
            "archive_timeout": "60s",
            "log_timezone": "UTC",
            "shared_buffers": "16MB",
            "fsync": "off",  # processes are killed here, and no machine
        }
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def end(self) -> None:
        for data in self.home.iterdir():
            self.server.kill(data)  # a path that is no data folder has no server

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """The rows of the last one."""
        with self.server.connect() as database:
            for statement in statements:
                done = database.execute(statement.encode())
            return done.fetchall() if done.description else []

    def insert(self, *names: str) -> float:
        """Records of that name; a moment after they were committed, and before whatever comes next is."""
        for name in names:
            self.sql(f"INSERT INTO records (project) VALUES ('{name}')")
        time.sleep(0.002)
        moment = time.time()
        time.sleep(0.002)
        return moment

    def names(self) -> list[str]:
        return [str(name) for (name,) in self.sql("SELECT project FROM records ORDER BY id")]

    def switch(self) -> str:
        """End the segment, and wait until it is in the archive: its name."""
        ((segment,),) = self.sql(SWITCHED)
        wait_until(lambda: (self.log / str(segment)).exists(), 15, poll_s=0.02)
        return str(segment)


@contextmanager
def template() -> Iterator[Path]:
    """A data folder with the schema in it, to be copied: to make one takes longest."""
    with folder() as home, claimed() as subnet:
        host = f"127.{subnet}.0.20"
        Postgres(f"{host}:5432", home, PASSWORD).prepare()
        made = Stand(home, host)
        made.server.start(made.data)
        try:
            made.sql(*SCHEMA)
            made.server.stop(made.data)
            yield made.data
        finally:
            made.end()


@contextmanager
def stand(template: Path) -> Iterator[Stand]:
    with folder() as home, claimed() as subnet:
        made = Stand(home, f"127.{subnet}.0.20")
        made.prepare(template)
        try:
            made.server.start(made.data)
            yield made
        finally:
            made.end()


@contextmanager
def folder() -> Iterator[Path]:
    """One that PostgreSQL's user can reach: pytest's own are closed to others."""
    home = Path(tempfile.mkdtemp(prefix="verdigris-drills-"))
    home.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    try:
        yield home
    finally:
        shutil.rmtree(home)
