"""The way back by hand, step by step: a service's last usable version in its place, and the schema one migration down.

What is practised is the way, so nothing is harmed first: the version that runs is taken for the bad one. The last step
goes forward again. What is changed is noted before it is, and put back by whoever comes after a drill that was killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from fixtures.platforms.abilities import Revisions
from fixtures.platforms.changes import Changes, Conflict, Ref
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import Clock, put_down
from scenarios.drills.noted import Noted
from scenarios.drills.practice import NotBegun
from scenarios.drills.runbook import Act
from scenarios.release.fleet import Fleet

READY_S = 600.0  # as long as `aws ecs wait services-stable` waits
MIGRATES_S = 120.0
LOOKS = 5
DEFINITION = "taskDefinition"
AT = "SELECT version_num FROM alembic_version"


@dataclass(frozen=True)
class Schema:
    """A database whose migrations alembic carries out. `url`: of who owns its tables; `backend`: where its
    `alembic.ini` lies."""

    url: str = field(repr=False)
    backend: Path

    def at(self) -> str:
        """The migration that it is at. Raises NotProven."""
        try:
            with psycopg.connect(self.url, connect_timeout=5) as database:
                rows = database.execute(AT).fetchall()
        except psycopg.Error as error:
            raise NotProven(f"which migration the schema is at cannot be read: {error}") from error
        if len(rows) != 1:
            raise NotProven(f"the schema is at {len(rows)} migrations, where it must be at one")
        return str(rows[0][0])

    def migrate(self, *told: str) -> None:
        """`downgrade -1`, `upgrade 0002`. Raises NotProven."""
        done = subprocess.run(
            [sys.executable, "-m", "alembic", *told],
            cwd=self.backend,
            env={**environ, "DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            timeout=MIGRATES_S,
            check=False,
        )
        if done.returncode:
            host = urlsplit(self.url).hostname
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise NotProven(f"alembic {' '.join(told)} on {host} ended with {done.returncode}: {last}")


@dataclass(frozen=True)
class Before:
    """What ran, and where the schema was."""

    definition: str
    schema: str


@dataclass
class OfRevision(Noted):
    """`unwell`: why users of our side are not served, "" where they are; `file`: where what was is noted meanwhile."""

    fleet: Fleet
    objects: Changes
    revisions: Revisions
    service: str
    schema: Schema
    unwell: Callable[[], str]
    file: Path
    clock: Clock
    may_go_unfelt: bool = True  # the tasks of before stay until the others serve
    _before: Before | None = None
    _usable: str = ""

    def fit(self) -> str:
        self.must_be_over()
        if lacking := self.fleet.lacking():
            raise NotBegun(f"it is not whole to begin with: {lacking}")
        if not (self.schema.backend / "alembic.ini").is_file():
            raise NotBegun(f"there is no alembic.ini in {self.schema.backend}")
        self._before = Before(self._runs(), self.schema.at())
        put_down(self.file, asdict(self._before))
        return f"{_short(self._before.definition)} runs, and the schema is at {self._before.schema}"

    def strike(self, _: str) -> str:
        return f"{_short(self._was.definition)} is taken for a bad version"

    def acts(self) -> Mapping[str, Act]:
        return {
            "identify": self.identify,
            "switch": self.switch,
            "verify": self.verify,
            "watch": self.watch,
            "schema": self.down,
            "forward": self.forward,
        }

    # --- the steps ---------------------------------------------------------------------------------------------------
    def identify(self) -> str:
        """Raises NotProven."""
        known = self.revisions.revisions(self.fleet.namespace, self.service)
        older = known[known.index(self._was.definition) + 1 :] if self._was.definition in known else ()
        if not older:
            raise NotProven(f"there is no version before {_short(self._was.definition)}, of {len(known)}")
        self._usable = older[0]
        return f"{_short(self._usable)} before {_short(self._was.definition)}"

    def switch(self) -> str:
        self.resumed_s = self.clock()
        self._roll_out(self._usable)
        return f"{self.service} is to run {_short(self._usable)}"

    def verify(self) -> str:
        """Raises NotProven."""
        return f"{self._settled(self._usable)} task definition of every task, all of them ready"

    def watch(self) -> str:
        """Raises NotProven."""
        for _ in range(LOOKS):
            if said := self.unwell():
                raise NotProven(said)
        return f"well {LOOKS} times of {LOOKS}"

    def down(self) -> str:
        """Raises NotProven."""
        before = self.schema.at()
        self.schema.migrate("downgrade", "-1")
        if (after := self.schema.at()) == before:
            raise NotProven(f"the schema is still at {before}")
        return f"from {before} to {after}"

    def forward(self) -> str:
        """The rehearsal's end: the schema first, because the newer version may need it. Raises NotProven."""
        self._put_back(self._was)
        return f"{_short(self._was.definition)} again, with the schema at {self._was.schema}"

    # --- the end -----------------------------------------------------------------------------------------------------
    def heal(self) -> str:
        if not self.file.exists():
            return ""
        told: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        noted = Before(**told)
        was_out = (self._runs(), self.schema.at()) != (noted.definition, noted.schema)
        self._put_back(noted)
        self.file.unlink()
        return f"{_short(noted.definition)} runs again, with its schema" if was_out else ""

    def left_behind(self) -> Sequence[str]:
        found = []
        if (runs := self._runs()) != self._was.definition:
            found.append(f"{self.service} runs {_short(runs)}, and ran {_short(self._was.definition)}")
        if (at := self.schema.at()) != self._was.schema:
            found.append(f"the schema is at {at}, and was at {self._was.schema}")
        return found

    # -----------------------------------------------------------------------------------------------------------------
    @property
    def _was(self) -> Before:
        assert self._before is not None
        return self._before

    @property
    def _ref(self) -> Ref:
        return Ref("Deployment", self.fleet.namespace, self.service)

    def _runs(self) -> str:
        found = self.objects.read_object(self._ref)
        if found is None:
            raise NotProven(f"there is no {self._ref}")
        return str(found["spec"][DEFINITION])

    def _roll_out(self, definition: str) -> None:
        """Raises NotProven."""
        found = self.objects.read_object(self._ref)
        if found is None:
            raise NotProven(f"there is no {self._ref}")
        if found["spec"][DEFINITION] == definition:
            return
        try:
            self.objects.replace_object(
                self._ref, {**found, "spec": {**found["spec"], DEFINITION: definition}}
            )
        except Conflict as error:
            raise NotProven(str(error)) from error

    def _settled(self, definition: str) -> str:
        if lacking := self.fleet.wait_ready(READY_S):
            raise NotProven(f"after {READY_S:g} s {lacking}")
        if (runs := self._runs()) != definition:
            raise NotProven(f"{self.service} runs {_short(runs)}")
        return _short(definition)

    def _put_back(self, before: Before) -> None:
        if self.schema.at() != before.schema:
            self.schema.migrate("upgrade", before.schema)
        self._roll_out(before.definition)
        self._settled(before.definition)


def _short(arn: str) -> str:
    """api:2"""
    return arn.rpartition("/")[2]
