"""The front door closed for maintenance, and opened again: how it was stands in a file before it is closed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixtures.clock import TimedOut, wait_until
from fixtures.platforms.routing import UNAVAILABLE, Router, Routes
from scenarios.drills.comeback import NotProven
from scenarios.drills.journal import put_down

FOLLOWS_S = 20.0


@dataclass(frozen=True)
class Maintenance:
    """`page`: what users are shown; `answer`: the status that the front door gives whoever asks for no side;
    `follows_s`: how long it may take to do as it is told."""

    router: Router
    page: str
    answer: Callable[[], int]
    file: Path
    follows_s: float = FOLLOWS_S

    def close(self) -> str:
        """Raises NotProven."""
        seen = self.router.read()
        put_down(self.file, dataclasses.asdict(seen))
        self.router.close(seen, self.page)
        return f"users are shown the page after {self._until(closed=True):.1f} s"

    def lift(self) -> str:
        """Raises NotProven, and Changed where somebody else has led users elsewhere meanwhile."""
        before = self.before()
        if before is None:
            raise NotProven("nobody closed the door")
        now = self.router.read()
        if now.body["spec"] != before.body["spec"]:
            self.router.restore(now, before)
        took_s = self._until(closed=False)
        self.file.unlink()
        return f"users are let in again after {took_s:.1f} s, as before: {before}"

    def heal(self) -> str:
        before = self.before()
        if before is None:
            return ""
        now = self.router.read()
        if now.green is None:  # else somebody has opened it, and led users wherever they are led
            self.router.restore(now, before)
        self.file.unlink()
        return "the front door is open"

    def left_behind(self) -> Sequence[str]:
        return ["the front door is closed for maintenance"] if self.router.read().green is None else []

    def before(self) -> Routes | None:
        """None where the door was not closed."""
        try:
            return Routes(**json.loads(self.file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def _until(self, *, closed: bool) -> float:
        try:
            return wait_until(lambda: (self.answer() == UNAVAILABLE) is closed, self.follows_s)
        except TimedOut as late:
            wanted = "closed" if closed else "open"
            raise NotProven(f"the front door is not {wanted} after {late.waited_s:.0f} s") from late
