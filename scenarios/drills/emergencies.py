"""An emergency procedure as one drill: the data and the version are lost at once; users are shown a page, both are
brought back, people are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from scenarios.drills.maintenance import Maintenance
from scenarios.drills.practice import OfDatabase
from scenarios.drills.runbook import Act
from scenarios.drills.versions import OfVersion


@dataclass
class OfEverything:
    """Each part heals by itself: the data first, for nothing is well without them; then the door, and last the version,
    which may take minutes to be ready and is that of one side."""

    data: OfDatabase
    version: OfVersion
    door: Maintenance
    may_go_unfelt: bool = False

    def fit(self) -> str:
        told = [self.data.fit(), self.version.fit()]
        return "; ".join([*told, f"users are led: {self.door.router.read()}"])

    def strike(self, drill: str) -> str:
        bit = [self.version.strike(drill), self.data.strike(drill)]
        return "; ".join(bit) if all(bit) else ""

    def acts(self) -> Mapping[str, Act]:
        return {
            **self.data.acts(),
            **self.version.acts(),
            "maintenance": self.door.close,
            "lift": self.door.lift,
            "restore": self.restore,
        }

    def restore(self) -> str:
        """Whatever it takes until the data are served again, as one step."""
        acts = self.data.acts()
        return "; ".join(acts[name]() for name in ("choose", "restore", "connect", "verify"))

    @property
    def resumed_s(self) -> float:
        return self.data.resumed_s

    @property
    def reaches_s(self) -> float | None:
        return self.data.reaches_s

    def heal(self) -> str:
        """Each of them, whatever becomes of the others."""
        done: list[str] = []

        def end(part: Maintenance | OfVersion | OfDatabase) -> None:
            done.append(part.heal())

        with ExitStack() as stack:
            for part in (self.version, self.door, self.data):  # the last first
                stack.callback(end, part)
        return "; ".join(filter(None, done))

    def left_behind(self) -> Sequence[str]:
        return [*self.data.left_behind(), *self.version.left_behind(), *self.door.left_behind()]

    def clear(self) -> None:
        self.data.clear()
        self.version.clear()

    def keep(self, *, is_over: bool) -> str:
        kept = self.data.keep(is_over=is_over), self.version.keep(is_over=is_over)
        return "; ".join(filter(None, kept))
