"""Tells a store something in its own language: SQL, or a command of the cache. Bounded in time, each on its own."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
import redis

from fixtures.evidence import Missing, Unreachable

TIMEOUT_S = 3


@dataclass(frozen=True)
class Stores:
    """`urls`: store -> side -> URL, password and all."""

    urls: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    holding: list[psycopg.Connection[Any]] = field(default_factory=list, repr=False)  # kept from being closed

    def close(self) -> None:
        for one in self.holding:
            one.close()

    def hold(self, store: str, side: str, statement: str, name: str) -> None:
        """Have a connection of that name carry the statement out, for as long as that takes. Raises like `say`."""
        url = self.urls.get(store, {}).get(side)
        if url is None:
            raise Missing(f"the environment states no {store} of {side}")
        try:
            holds = psycopg.connect(url, connect_timeout=TIMEOUT_S, application_name=name, autocommit=True)
            holds.pgconn.send_query(statement.encode())
        except psycopg.Error as error:
            raise Unreachable(f"the database does not obey: {' '.join(str(error).split())}") from error
        self.holding.append(holds)

    def say(self, store: str, side: str, statement: str) -> None:
        """Raises Missing where there is no such store, Unreachable where it does not obey."""
        url = self.urls.get(store, {}).get(side)
        if url is None:
            raise Missing(f"the environment states no {store} of {side}")
        (_to_cache if store == "cache" else _to_database)(url, statement)


def _to_database(url: str, statement: str) -> None:
    options = f"-c statement_timeout={TIMEOUT_S}s"
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT_S, options=options, autocommit=True) as database:
            database.execute(statement.encode())
    except psycopg.Error as error:
        raise Unreachable(f"the database does not obey: {' '.join(str(error).split())}") from error


def _to_cache(url: str, command: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as cache:
            cache.execute_command(*shlex.split(command))
    except redis.RedisError as error:
        raise Unreachable(f"the cache does not obey: {error}") from error
