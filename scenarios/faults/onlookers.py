"""The process that asks for everybody in a stage, from the stage's side: who asks what, from when, until when."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from scenarios.faults.place import ROOT
from scenarios.release.probes import Plan
from scenarios.release.probing import ProberFailed
from scenarios.release.timeline import Timeline

ANSWERS_S = 60.0  # the first word waits for the process to come up, which a busy machine makes slow
ENDS_S = 10.0


class Onlookers:
    """Ends with whoever started it, however that ends: it hears so at its stdin."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._log = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - as it says
        ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "scenarios.faults.onlooker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=ours,
            start_new_session=True,  # ctrl-C is for whoever started it
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, plan: Plan, out: Path, private: Mapping[str, str]) -> Asking:
        """`out`: the record to make; `private`: headers that no record shows. Raises ProberFailed."""
        record = out.absolute()
        self._say({"begin": str(record), "plan": dataclasses.asdict(plan), "private": dict(private)})
        return Asking(self, record)

    def end(self, out: Path) -> None:
        """Once everything that they saw is written. Raises ProberFailed, also where they had ended before."""
        self._say({"end": str(out)})

    def _say(self, told: dict[str, Any]) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(told).encode() + b"\n")
            stdin.flush()
        except OSError as error:
            raise ProberFailed(f"whoever asks has ended; {self._said()}") from error
        readable, _, _ = select.select([stdout], [], [], ANSWERS_S)
        line = stdout.readline() if readable else b""
        wrong = json.loads(line) if line else f"no word in {ANSWERS_S:g} s, or the process ended"
        if wrong:
            raise ProberFailed(f"{wrong}; {self._said()}")

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()[-500:] or "it said nothing"

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Asking:
    """Somebody who asks by a plan, until they are stopped; what they saw stays."""

    onlookers: Onlookers
    out: Path

    def timeline(self) -> Timeline:
        """What is known so far."""
        return Timeline.read(self.out)

    def stop(self) -> None:
        """Raises ProberFailed."""
        self.onlookers.end(self.out)
