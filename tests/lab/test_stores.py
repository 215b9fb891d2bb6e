"""The stores are the real ones: they keep what was written, and a second start finds it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ConnectionError

from fixtures.lab.layout import Layout
from fixtures.lab.process import Part, Running
from fixtures.lab.stores import Postgres, valkey
from fixtures.platforms.postgres.backups import BaseBackups
from fixtures.platforms.postgres.programs import Login, Programs
from tests.subnets import claimed


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    with claimed() as subnet:
        yield Layout(subnet, tmp_path)


@contextmanager
def running(part: Part, folder: Path) -> Iterator[Running]:
    started = Running(part, folder / f"{part.name}.log")
    try:
        yield started
    finally:
        started.stop()


def connect(postgres: Postgres, database: str, server: Running) -> psycopg.Connection[tuple[object, ...]]:
    deadline = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(f"{postgres.url}/{database}", connect_timeout=2)
        except psycopg.OperationalError:
            server.must_live()
            assert time.monotonic() < deadline, server.tail()
            time.sleep(0.05)


def test_a_database_is_filled_once_and_survives_a_restart(layout: Layout) -> None:
    postgres = Postgres(layout.database, layout.home, "hidden")
    postgres.prepare()
    contents = {"hwayo": ["CREATE TABLE t (x int)", "INSERT INTO t VALUES (7)"]}
    with running(postgres.part(), layout.home) as server:
        connect(postgres, "postgres", server).close()
        postgres.fill(contents)
        postgres.fill(contents)
    postgres.prepare()
    with running(postgres.part(), layout.home) as server, connect(postgres, "hwayo", server) as database:
        assert database.execute("SELECT count(*), sum(x) FROM t").fetchone() == (1, 7)
        assert database.execute("SHOW archive_mode").fetchone() == ("on",)


def test_a_backup_is_sound_and_can_be_laid_out_beside_what_serves(layout: Layout) -> None:
    postgres = Postgres(layout.database, layout.home, "hidden")
    postgres.prepare()
    with running(postgres.part(), layout.home) as server:
        connect(postgres, "postgres", server).close()
        login = Login(postgres.host, postgres.port, password=postgres.password)
        programs = Programs(postgres.bin, postgres.uid)
        backups = BaseBackups(programs, login, postgres.backups, postgres.archive)
        nightly = backups.take("nightly")
    assert backups.faults(nightly) == ()
    restored = backups.restore(nightly, postgres.data.with_name("postgres-restored-1"))
    assert (restored / "PG_VERSION").exists()  # by the user who is to serve it


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's home may be out of the server's reach")
def test_what_a_killed_lab_kept_outside_goes_with_its_home(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("killed", "alive")]
    for home in homes:
        home.mkdir()
        home.chmod(0o700)
    killed, alive = (Postgres("127.200.0.20:5432", home, "hidden").home for home in homes)
    assert killed not in homes
    homes[0].rename(tmp_path / "gone")
    third = tmp_path / "next"
    third.mkdir(mode=0o700)
    assert Postgres("127.200.0.20:5432", third, "hidden").home.exists()
    assert not killed.exists()
    assert alive.exists()


def test_the_database_wants_its_password(layout: Layout) -> None:
    postgres = Postgres(layout.database, layout.home, "hidden")
    postgres.prepare()
    with running(postgres.part(), layout.home) as server:
        connect(postgres, "postgres", server).close()
        wrong = Postgres(layout.database, layout.home, "guessed")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"{wrong.url}/postgres")


def test_the_cache_wants_its_password_and_forgets_when_it_dies(layout: Layout) -> None:
    host, port = layout.cache.rsplit(":", 1)
    part = valkey(layout, "hidden")

    def client(password: str) -> Redis:
        return Redis(host, int(port), password=password, decode_responses=True)

    def answering() -> Redis:
        deadline = time.monotonic() + 10
        while True:
            try:
                client("hidden").ping()
            except ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return client("hidden")

    with running(part, layout.home):
        answering().set("session", "1")
        with pytest.raises(AuthenticationError):
            client("guessed").ping()
    with running(part, layout.home):
        assert answering().get("session") is None
