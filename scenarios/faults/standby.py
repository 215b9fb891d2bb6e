"""The watchdog, from its runner's side: started before the first harm, and looked after before every one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Self

from fixtures.ledger import Runner
from scenarios.faults.place import ROOT, Place
from scenarios.faults.site import Unwatched
from scenarios.faults.watchdog import PATIENCE_S, READY

ENDS_S = PATIENCE_S + 10.0


class Standby:
    """A watchdog for this process: it comes up while other things are done, and stands by once it is entered."""

    def __init__(self, place: Place) -> None:
        runner = Runner.me()
        command = [sys.executable, "-m", "scenarios.faults.watchdog", str(runner.pid), runner.started]
        place.ledger.folder.mkdir(parents=True, exist_ok=True)
        self._errors = place.ledger.folder / "watchdog.err"
        self._process = subprocess.Popen(
            [*command, runner.machine],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors.open("w"),
            start_new_session=True,  # ctrl-C is for the runner
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(place.text.encode() + b"\n")
        self._process.stdin.flush()

    def must_live(self) -> None:
        """Raises Unwatched."""
        if self._process.poll() is not None:
            raise Unwatched(f"the watchdog has ended, with exit code {self._process.returncode}")

    def close(self) -> int:
        """Its exit code, once it has healed what is left; 0 where nothing stayed behind."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        return self._process.wait(ENDS_S)

    def __enter__(self) -> Self:
        """Raises Unwatched where it does not come up."""
        assert self._process.stdout is not None
        if self._process.stdout.readline().decode().strip() != READY:
            self.close()
            raise Unwatched(f"the watchdog did not come up: see {self._errors}")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
