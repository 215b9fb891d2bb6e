"""Starts the prober in a process of its own, reads what it has seen so far, and ends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from fixtures.clock import TimedOut, wait_until
from scenarios.release.probes import PRIVATE, Plan, names_path
from scenarios.release.timeline import Timeline

HOUSE = Path(__file__).resolve().parents[2]
STARTS_S = 20.0
ENDS_S = 10.0


class ProberFailed(Exception):
    """The prober did not begin, or did not end as it should; what it saw up to then can still be read."""


class Probing:
    """A running prober. Ends with whoever started it, however that ends."""

    def __init__(self, plan: Plan, out: Path, private: Mapping[str, str] | None = None) -> None:
        """`out`: the record file to make, e.g. probes.bin; `private`: headers that no record shows, such as a session.

        Returns when probing has begun; raises ProberFailed.
        """
        self._out, self._log = out, out.with_suffix(".log")
        headers = [part for name, value in plan.headers.items() for part in ("--header", f"{name}: {value}")]
        command = [
            *(sys.executable, "-m", "scenarios.release.prober", "--with-parent"),
            *("--url", plan.url, "--out", str(out.absolute()), "--rate", repr(plan.rate_rps)),
            *("--timeout", repr(plan.timeout_s), "--in-flight", str(plan.in_flight)),
            *("--connections", plan.connections, "--ca", plan.ca, *headers),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=HOUSE,
                env=_environment(private or {}),
                start_new_session=True,  # ctrl-C is for whoever started it, who still has to read what it saw
            )
        try:
            wait_until(self._has_begun_or_ended, STARTS_S, poll_s=0.02)
        except TimedOut as late:
            self._process.kill()
            raise ProberFailed(f"no probe within {STARTS_S:.0f} s; {self._said()}") from late
        if self._process.poll() is not None:
            raise ProberFailed(f"the prober ended before it began; {self._said()}")

    def _has_begun_or_ended(self) -> bool:
        is_begun = names_path(self._out).exists() and self._out.exists() and self._out.stat().st_size > 0
        return is_begun or self._process.poll() is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    def timeline(self) -> Timeline:
        """What is known so far."""
        return Timeline.read(self._out)

    def stop(self) -> Timeline:
        """End it and have everything it saw. Raises ProberFailed where it had ended before, or would not."""
        assert self._process.stdin is not None
        was_running = self._process.poll() is None
        self._process.terminate()
        self._process.stdin.close()
        try:
            code = self._process.wait(ENDS_S)
        except subprocess.TimeoutExpired as late:
            self._process.kill()
            self._process.wait()
            raise ProberFailed(f"the prober did not end within {ENDS_S:.0f} s; {self._said()}") from late
        if code or not was_running:
            raise ProberFailed(f"the prober ended with {code} before it was told to; {self._said()}")
        return self.timeline()

    def _said(self) -> str:
        return self._log.read_text(errors="replace").strip()[-500:] or "it said nothing"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.stop()


def _environment(private: Mapping[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**ours, PRIVATE: json.dumps(dict(private))}
