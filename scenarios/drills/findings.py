"""What a drill's record says of each promise: whether it was held as written, and the figures that it measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fixtures.target import Target
from fixtures.target.drills import Drill
from fixtures.target.objective import Objective
from reports.drills.record import DrillRecord
from reports.verdicts import Measurement, Verdict
from scenarios.tally import UNIT

# What a bound is over, and the figure of a record that answers it.
FIGURES = {"rto": "rto", "time": "rto", "rpo": "rpo", "integrity": "integrity"}
Said = Sequence[tuple[Verdict, str]]


def held(record: DrillRecord) -> Measurement:
    """Violations among its steps, and among what must hold whatever the targets are."""
    seen = tuple(_seen(record))
    invalid = [what for verdict, what in seen if verdict is Verdict.INVALID]
    wrong = [what for verdict, what in seen if verdict is Verdict.FAIL]
    unknown = [what for verdict, what in seen if verdict is Verdict.UNKNOWN]
    if wrong:
        why = "; ".join([*wrong, *_cut_short(record)])
        return Measurement(float(len(wrong)), UNIT, len(seen), bad=len(wrong), why=why)
    if invalid:
        return Measurement(None, UNIT, 0, invalid="; ".join(invalid))
    if unknown or not record.steps:
        return Measurement(None, UNIT, 0, why="; ".join(unknown) or "no step was carried out")
    return Measurement(0.0, UNIT, len(seen), bad=0)


def figure(record: DrillRecord, promise: Objective) -> Measurement:
    """As it was measured; without a value where the drill did not measure it."""
    wanted = FIGURES.get(promise.that.what, "")
    for one in record.figures:
        if one.name == wanted:
            invalid = one.reason if one.verdict is Verdict.INVALID else ""
            bad = None if one.value is None else round((1 - one.value) * one.samples)
            counted = bad if one.name == "integrity" else None
            return Measurement(one.value, one.unit, one.samples, bad=counted, why=one.reason, invalid=invalid)
    return Measurement(None, "", 0, why=f"{record.drill} was held, and {promise.that.what} was not measured")


def promises(drill: Drill, objectives: Sequence[Objective]) -> Iterator[Objective]:
    """The drill's own targets, and whatever else the profile promises over it."""
    yield from drill.promises()
    for one in objectives:
        if one.over.kind == "drill" and one.over.subject == drill.name:
            yield one


def unheld(target: Target) -> list[Objective]:
    """What is promised of drills that nobody can hold here: their profile does not say what is lost."""
    held = {drill.name for drill in target.drills.values() if drill.loses}
    drilled = [one for one in target.objectives.values() if one.over.kind == "drill"]
    return [one for one in drilled if one.over.subject not in held]


def _seen(record: DrillRecord) -> Iterator[tuple[Verdict, str]]:
    yield from ((one.verdict, f"{one.title}: {one.said}") for one in record.steps)
    for one in record.figures:
        if one.name in ("disaster", "integrity") or (one.verdict is Verdict.FAIL and one.value is None):
            yield one.verdict, f"{one.title}: {one.reason}"
    left = "; ".join(record.left_behind)
    yield (
        (Verdict.FAIL, f"SOMETHING IS LEFT BEHIND: {left}")
        if left
        else (Verdict.PASS, "nothing is left behind")
    )
    yield from ((Verdict.UNKNOWN, one) for one in _cut_short(record))


def _cut_short(record: DrillRecord) -> list[str]:
    """Why it was, which is mostly why what is wrong is so."""
    return [f"cut short by {record.cut_short}"] if record.cut_short else []
