"""What practices share that put down in a file how it was before they change it: it is not over while that is there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from scenarios.drills.practice import NotBegun


class Noted:
    """`holds`: what is in its file that somebody may want to look for, where it is not over."""

    file: Path
    holds: ClassVar[str] = ""
    resumed_s: float = math.inf
    reaches_s: float | None = None
    may_go_unfelt: bool = False

    def must_be_over(self) -> None:
        """Raises NotBegun."""
        if self.file.exists():
            raise NotBegun("an earlier drill was not ended: heal it first")

    def clear(self) -> None:
        self.file.unlink(missing_ok=True)

    def keep(self, *, is_over: bool) -> str:
        if is_over:
            self.clear()
        return f"{self.holds}: {self.file}" if self.holds and self.file.exists() else ""
