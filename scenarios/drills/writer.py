"""Submits records through the product's own API all along, at a fixed rate, and keeps a journal of what it said."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from scenarios.drills.journal import Clock, Journal, Outcome, Write, read
from scenarios.drills.truth import Kept
from scenarios.release.probes import Plan

TIMEOUT_S = 5.0
ENDS_S = TIMEOUT_S + 5.0
IN_FLIGHT = 100


@dataclass(frozen=True)
class Said:
    """What the product said to a submission."""

    outcome: Outcome
    id: int | None = None
    why: str = ""


class Product(Protocol):
    """A system as its users write into it and read from it. Submissions are told apart by their key."""

    def form(self, key: str) -> Mapping[str, Any]:
        """All fields of a submission; the same for the same key."""
        ...

    async def submit(self, http: httpx.AsyncClient, form: Mapping[str, Any]) -> Said:
        """Whatever goes wrong on the way is raised as httpx.HTTPError."""
        ...

    def kept(self) -> Sequence[Kept]:
        """Every submission of ours that the product shows. Raises where it cannot be read in full."""
        ...

    def reading(self, path: str = "") -> Plan:
        """What a user reads, for a prober: that path, or what was submitted."""
        ...

    @property
    def private(self) -> Mapping[str, str]:
        """Headers of whoever reads that are nobody else's business."""
        ...

    def client(self, timeout_s: float) -> httpx.AsyncClient: ...


def fingerprint(form: Mapping[str, Any]) -> str:
    """Of all fields, whatever their order."""
    text = json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Writer:
    """Runs in a thread of its own from `with` on. Open-loop: a product that hangs does not slow the submissions, up to
    IN_FLIGHT of them without an answer."""

    def __init__(
        self, product: Product, journal: Path, rate_rps: float = 10.0, clock: Clock | None = None
    ) -> None:
        self._product = product
        self.path = journal
        self._interval_s = 1 / rate_rps
        self._stopped = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="drill-writer", daemon=True)
        self.clock = clock or Clock()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(ENDS_S)

    def writes(self) -> list[Write]:
        """So far."""
        return read(self.path) if self.path.exists() else []

    def stop(self) -> list[Write]:
        """All of them, once the last was answered or given up. Raises what the writer itself failed with."""
        self._stopped.set()
        self._thread.join(ENDS_S)
        if self._error is not None:
            raise self._error
        if self._thread.is_alive():
            raise TimeoutError(f"the writer did not end within {ENDS_S:g} s")
        return self.writes()

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 - handed to whoever stops us
            self._error = error

    async def _run(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        begun_s, number = self.clock(), 0
        with Journal(self.path) as journal:
            async with self._product.client(TIMEOUT_S) as http:
                while not self._stopped.is_set():
                    await asyncio.sleep(max(0.0, begun_s + number * self._interval_s - self.clock()))
                    if len(tasks) < IN_FLIGHT:
                        task = asyncio.create_task(self._submit(http, journal, f"{number:06d}"))
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
                    number += 1
                await asyncio.gather(*tasks)

    async def _submit(self, http: httpx.AsyncClient, journal: Journal, key: str) -> None:
        form = self._product.form(key)
        sent = Write(key, fingerprint(form), self.clock())
        journal.sending(sent.key, sent.print, sent.sent_s)
        try:
            said = await self._product.submit(http, form)
        except httpx.HTTPError as error:
            said = Said(Outcome.UNSURE, why=f"{type(error).__name__}: {error}"[:200])
        journal.answered(Write(key, sent.print, sent.sent_s, said.outcome, self.clock(), said.id, said.why))
