"""Which drills were held, when last, and which are overdue. Only a drill that passed counts as held."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.drills.page import to_html
from reports.drills.record import DrillRecord, read, to_json
from reports.verdicts import Verdict

RECORDS = Path("reports/drills/records")


@dataclass(frozen=True)
class Wanted:
    """A drill that is to be held every so often."""

    name: str
    title: str
    every_s: float


@dataclass(frozen=True)
class Standing:
    """How a drill stands. `passed_s`: when it last passed; `last`: the last one, however it ended."""

    wanted: Wanted
    last: DrillRecord | None
    passed_s: float | None
    due_s: float  # unix seconds; 0 where it never passed

    def overdue_s(self, now_s: float) -> float:
        """0 where it is not."""
        return max(0.0, now_s - self.due_s)


def keep(record: DrillRecord, folder: Path, redact: Callable[[str], str] = str) -> Path:
    """Write the record and its page; the record's path. Whoever sees the file sees all but secrets."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.id}.json"
    if path.exists():
        raise FileExistsError(f"{path}: a record is never written over")
    _write(path.with_suffix(".html"), redact(to_html(record)))
    _write(path, redact(to_json(record)))
    return path


def records(folder: Path) -> list[DrillRecord]:
    """Oldest first. Raises BrokenRecord."""
    return sorted((read(path) for path in folder.glob("*.json")), key=lambda one: one.began_s)


def standings(
    wanted: Iterable[Wanted], held: Sequence[DrillRecord], target: str, environment: str
) -> list[Standing]:
    """The one that is due first comes first. A drill elsewhere says nothing of here."""
    here = [one for one in held if (one.target, one.environment) == (target, environment)]
    found = [_standing(one, [record for record in here if record.drill == one.name]) for one in wanted]
    return sorted(found, key=lambda one: one.due_s)


def _standing(wanted: Wanted, held: Sequence[DrillRecord]) -> Standing:
    passed = [one.began_s for one in held if one.verdict is Verdict.PASS]
    passed_s = max(passed, default=None)
    last = max(held, key=lambda one: one.began_s, default=None)
    return Standing(wanted, last, passed_s, 0.0 if passed_s is None else passed_s + wanted.every_s)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
