"""A run's samples as histograms, one a second, endpoint and side: what comes back from other machines, where the
samples themselves would be too many to send. Merged exactly; quantiles are at most 0.8% above the exact ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reports.baseline.histogram import Histogram
from scenarios.load.records import STEP, Names, Outcome, Record
from scenarios.load.view import Second


class Key(NamedTuple):
    """`at_s`: the second of the run in which the requests were due."""

    at_s: int
    endpoint: str
    asked: str
    served: str


@dataclass
class Cell:
    """How often each outcome; and the latencies of what was answered, as it should have been and otherwise."""

    outcomes: dict[int, int] = field(default_factory=dict)
    ok: Histogram = field(default_factory=Histogram)
    refused: Histogram = field(default_factory=Histogram)

    @property
    def answered(self) -> int:
        return sum(seen for outcome, seen in self.outcomes.items() if outcome <= Outcome.REFUSED)

    def merge(self, other: Cell) -> None:
        for outcome, seen in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + seen
        self.ok.merge(other.ok)
        self.refused.merge(other.refused)


class Gathering:
    """In a generator's process: what has happened since the last report."""

    def __init__(self, bounds_us: Iterable[int]) -> None:
        self.names = Names()
        self.written = 0
        self._bounds_us = tuple(bounds_us)
        self._cells: dict[tuple[int, int, int], Cell] = {}

    def write(self, record: Record) -> None:
        self.written += 1
        key = (max(0, record.due_ns) // 1_000_000_000, record.endpoint, record.mark >> 3)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = Cell(
                ok=Histogram.of((), self._bounds_us), refused=Histogram.of((), self._bounds_us)
            )
        outcome = record.mark & 7
        cell.outcomes[outcome] = cell.outcomes.get(outcome, 0) + 1
        if outcome <= Outcome.REFUSED:
            (cell.refused if outcome else cell.ok).add(record.latency_us)

    def report(self) -> list[list[Any]]:
        """Rows for `Cells.add`, as plain data; the next report begins anew."""
        endpoints, asked, served = (
            {number: name for name, number in table.items()}
            for table in (self.names.endpoints, self.names.asked, self.names.served)
        )
        rows = [
            [at_s, endpoints[number], asked.get(sides & 3, ""), served[sides >> 2], *_plain(cell)]
            for (at_s, number, sides), cell in self._cells.items()
        ]
        self._cells = {}
        return rows


def _plain(cell: Cell) -> list[Any]:
    outcomes = {str(outcome): seen for outcome, seen in cell.outcomes.items()}
    return [outcomes, cell.ok.plain(), cell.refused.plain()]


@dataclass
class Cells:
    """A View of a run by its histograms. Phases begin and end on whole seconds here."""

    cells: dict[Key, Cell] = field(default_factory=dict)

    # --- gathering ---------------------------------------------------------------------------------------------------
    def add(self, rows: Iterable[Iterable[Any]]) -> None:
        """A generator's report. Exact, in whatever order reports come."""
        for at_s, endpoint, asked, served, outcomes, ok, refused in rows:
            counts = {int(outcome): seen for outcome, seen in outcomes.items()}
            cell = Cell(counts, Histogram.read(ok), Histogram.read(refused))
            key = Key(at_s, endpoint, asked, served)
            if key in self.cells:
                self.cells[key].merge(cell)
            else:
                self.cells[key] = cell

    def plain(self) -> list[list[Any]]:
        return [[*key, *_plain(cell)] for key, cell in self.cells.items()]

    # --- the view ----------------------------------------------------------------------------------------------------
    def of(self, endpoint: str = "", asked: str = "", between_s: tuple[float, float] | None = None) -> Cells:
        first, last = between_s or (0.0, math.inf)
        return Cells(
            {
                key: cell
                for key, cell in self.cells.items()
                if endpoint in ("", key.endpoint) and asked in ("", key.asked) and first <= key.at_s < last
            }
        )

    def requests_only(self) -> Cells:
        steps = (f"{STEP} ", "task ")
        return Cells({key: cell for key, cell in self.cells.items() if not key.endpoint.startswith(steps)})

    @property
    def endpoints(self) -> list[str]:
        return sorted({key.endpoint for key in self.cells})

    @property
    def asked_sides(self) -> list[str]:
        return sorted({key.asked for key in self.cells})

    def _outcomes(self) -> Mapping[int, int]:
        together = Cell()
        for cell in self.cells.values():
            for outcome, seen in cell.outcomes.items():
                together.outcomes[outcome] = together.outcomes.get(outcome, 0) + seen
        return together.outcomes

    @property
    def count(self) -> int:
        return sum(self._outcomes().values())

    @property
    def failed(self) -> int:
        return self.count - self._outcomes().get(Outcome.OK, 0)

    @property
    def answered(self) -> int:
        return sum(seen for outcome, seen in self._outcomes().items() if outcome <= Outcome.REFUSED)

    @property
    def errors(self) -> int:
        return self._outcomes().get(Outcome.ERROR, 0)

    @property
    def silent(self) -> int:
        return self.count - self.answered

    @property
    def dropped(self) -> int:
        outcomes = self._outcomes()
        return outcomes.get(Outcome.DROPPED, 0) + outcomes.get(Outcome.BROKEN, 0)

    def slower(self, than_us: int) -> int:
        return sum(cell.ok.beyond(than_us) + cell.refused.beyond(than_us) for cell in self.cells.values())

    def failed_or_slower(self, than_us: int) -> int:
        return self.failed + sum(cell.ok.beyond(than_us) for cell in self.cells.values())

    def quantile(self, share: float) -> float | None:
        count = self.count
        if not count:
            return None
        answered = self.histogram()
        within = math.ceil(share * count) / max(1, answered.count)
        found_us = answered.quantile(within) if within <= 1 else None
        return math.inf if found_us is None else found_us / 1e6

    def quantiles(self, *shares: float) -> list[float | None]:
        return [self.quantile(share) for share in shares]

    def served(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for key, cell in self.cells.items():
            found[key.served] = found.get(key.served, 0) + cell.answered
        return {side: seen for side, seen in found.items() if seen}

    def histogram(self) -> Histogram:
        together = Histogram()
        for cell in self.cells.values():
            together.merge(cell.ok)
            together.merge(cell.refused)
        return together

    def seconds(self) -> list[Second]:
        made = []
        for at_s in sorted({key.at_s for key in self.cells}):
            part = self.of(between_s=(at_s, at_s + 1))
            made.append(Second(at_s, part.count, part.failed, part.quantile(0.5), part.quantile(0.95)))
        return made
