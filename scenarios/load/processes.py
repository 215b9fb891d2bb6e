"""Generator processes as the engine sees them: what they say, line by line, and how they are told and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.baseline.histogram import Histogram
from scenarios.load.cells import Cells
from scenarios.load.plan import HOUSE
from scenarios.load.samples import Samples
from scenarios.load.validity import Generated
from scenarios.load.view import View

SILENT_S = 10.0  # a generator reports every second; one that is silent for so long is lost
CELLS = "cells.json"


@dataclass
class Part:
    """One generator: a local process, or a worker of the master's on whatever machine."""

    name: str
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def event(self) -> str:
        return str(self.said.get("event", ""))

    def generated(self) -> Generated:
        said = self.said
        return Generated(
            name=self.name,
            offered=said["offered"],
            dropped=said["dropped"],
            unfinished=said["unfinished"],
            written=said["written"],
            cpu_s=said["cpu_s"],
            busiest=said["busiest"],
            lateness=Histogram.read(said["lateness"]),
            causes=tuple((endpoint, why, seen) for endpoint, why, seen in said["causes"]),
        )


class Source:
    """A process, and the generators that it speaks for."""

    def __init__(
        self, command: Sequence[str], log: Path, secrets: Mapping[str, str], parts: list[Part]
    ) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self.parts, self.log = parts, log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                bufsize=0,
                cwd=HOUSE,
                env={**kept, **secrets},
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.orders, self.out = self.process.stdin, self.process.stdout
        self._rest = b""
        self._heard_at = time.monotonic()
        self._is_over = False

    def tell(self, **order: Any) -> None:
        """A process that is gone is not told; that it is gone shows soon enough."""
        self._heard_at = time.monotonic()
        if self.process.poll() is not None:
            return
        try:
            self.orders.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            self.process.wait(timeout=SILENT_S)

    def hear(self) -> bool:
        """Read what it has said since; call it when there is something. False at the end."""
        read = self.out.read(1 << 16)
        self._rest += read
        *whole, self._rest = self._rest.split(b"\n")
        for line in whole:
            said = json.loads(line)
            self._heard_at = time.monotonic()
            if said["event"] == "over":
                self._is_over = True
            else:
                self.parts[said.pop("part", 0)].said = said
        return bool(read)

    def all(self, *events: str) -> bool:
        return all(part.event in events for part in self.parts)

    @property
    def over(self) -> bool:
        return self.all("done")

    @property
    def alive(self) -> bool:
        under_way = any(part.event == "progress" for part in self.parts)
        silent = under_way and time.monotonic() - self._heard_at > SILENT_S
        return self.process.poll() is None and not silent

    def complaint(self) -> str:
        said = next((part.said["why"] for part in self.parts if "why" in part.said), "")
        tail = self.log.read_text(errors="replace").strip().splitlines()[-5:]
        return said or "\n".join(tail) or f"exit code {self.process.poll()}"

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.orders.close()
        self.out.close()


class Local:
    """Generators on this machine, a process each, which keep every sample."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def start(self, folder: Path, secrets: Mapping[str, str]) -> list[Source]:
        return [
            Source(
                ("scenarios.load.worker", str(folder), str(part), str(self._workers)),
                folder / f"worker-{part}.log",
                secrets,
                [Part(f"{part + 1} of {self._workers}")],
            )
            for part in range(self._workers)
        ]

    def collect(self, folder: Path) -> View:
        return Samples.read(sorted(folder.glob("records-*.bin")))


class Master:
    """Locust's own distributed workers, which come to `bind` (HOST:PORT) from wherever they run."""

    def __init__(self, bind: str, workers: int) -> None:
        self._bind, self._workers = bind, workers

    def start(self, folder: Path, secrets: Mapping[str, str]) -> list[Source]:
        command = ("scenarios.load.master", str(folder), self._bind, str(self._workers))
        parts = [Part(f"{part + 1} of {self._workers}") for part in range(self._workers)]
        return [_Mastered(command, folder / "master.log", secrets, parts)]

    def collect(self, folder: Path) -> View:
        cells = Cells()
        if (folder / CELLS).exists():
            cells.add(json.loads((folder / CELLS).read_text()))
        return cells


class _Mastered(Source):
    @property
    def over(self) -> bool:
        """When it has written down what its workers reported."""
        return self._is_over


Fleet = Local | Master
