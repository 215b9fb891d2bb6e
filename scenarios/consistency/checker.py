"""Holds a history of bookings against what is there in the end. Pure, so that it can be asked again of a kept history.

Bookings are only made here, never taken back. So there is an order in which one after another could have been made with
just these answers, if and only if

    nobody shares     no two bookings that are there overlap
    nothing is lost   whoever was told "booked" is there, once, with the slot that was asked for
    nothing is extra  whoever was told "no" is not there, and nobody is who never asked
    a no has a reason whoever was told "taken" overlaps a booking that is there and was begun before the "no" came

The last one also says that of those who want one slot somebody gets it. An unknown may be there or not, as long as what
was asked has come to rest when the end is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from reports.verdicts import Evidence, Measurement
from scenarios.consistency.history import Attempt, Outcome, Row, Slot

SHOWN = 20  # violations that the evidence lists


class Wrong(StrEnum):
    SHARED = "two bookings overlap"
    LOST = "acknowledged, and not there"
    REFUSED_AND_THERE = "refused, and there all the same"
    ALTERED = "there with another slot than was asked for"
    DOUBLED = "there more than once"
    INVENTED = "there, and nobody asked for it"
    BASELESS = "refused as taken, though nobody had it"


@dataclass(frozen=True)
class Violation:
    wrong: Wrong
    keys: tuple[str, ...]
    said: str

    def __str__(self) -> str:
        return f"{self.wrong}: {', '.join(self.keys)} ({self.said})"


@dataclass(frozen=True)
class Found:
    """What came of holding the two against each other."""

    violations: tuple[Violation, ...]
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    there: int = 0
    rivals: int = 0  # pairs who wanted overlapping slots at the same time
    lost: int = 0  # connections that broke over an attempt

    @property
    def consistent(self) -> bool:
        return not self.violations


def check(attempts: Sequence[Attempt], rows: Sequence[Row]) -> Found:
    """Raises ValueError where two attempts have one key: then nobody knows which of them is meant."""
    asked = {one.key: one for one in attempts}
    if len(asked) != len(attempts):
        again = [key for key, number in Counter(one.key for one in attempts).items() if number > 1]
        raise ValueError(f"one key for several attempts: {', '.join(again[:5])}")
    violations = (*_shared(rows), *_rows(asked, rows), *_lost(attempts, rows), *_baseless(asked, rows))
    return Found(
        violations=violations,
        outcomes=Counter(one.outcome for one in attempts),
        there=len(rows),
        rivals=sum(1 for _ in _rivals(attempts)),
        lost=sum(one.lost for one in attempts),
    )


def measured(found: Found, faults: int, least_lost: int = 1) -> Measurement:
    """How many violations, of how many attempts. `faults`: how often something was broken meanwhile, which at least so
    many connections must have felt. What proves nothing is no measurement."""
    samples = sum(found.outcomes.values())
    invalid = why = ""
    if faults and found.lost < least_lost:
        invalid = f"{faults} faults, and only {found.lost} connections were lost to them, not {least_lost}"
    elif not found.rivals:
        invalid = "nobody wanted a slot while somebody else did"
    elif not found.outcomes[Outcome.BOOKED]:
        why = f"nothing was acknowledged, of {samples} attempts"
    elif not found.outcomes[Outcome.TAKEN] and found.consistent:
        why = "nobody was refused, though rivals met: what was asked cannot have been what was wanted"
    if found.violations:  # seen is seen, whatever else there was too little of
        invalid = why = ""
    seen = [f"{number} {outcome}" for outcome, number in sorted(found.outcomes.items())]
    seen += [
        f"{found.there} there in the end",
        f"{found.rivals} pairs of rivals",
        f"{found.lost} connections lost",
    ]
    return Measurement(
        value=None if why else float(len(found.violations)),
        unit="count",
        samples=samples,
        why=why,
        invalid=invalid,
        evidence=(Evidence("bookings", "\n".join([*seen, *map(str, found.violations[:SHOWN])])),),
    )


def _shared(rows: Sequence[Row]) -> Iterator[Violation]:
    for one, other in _overlapping(rows):
        if one.key != other.key:
            yield Violation(Wrong.SHARED, (one.key, other.key), f"{_text(one.slot)} and {_text(other.slot)}")


def _rows(asked: dict[str, Attempt], rows: Sequence[Row]) -> Iterator[Violation]:
    for key, number in Counter(row.key for row in rows).items():
        if number > 1:
            yield Violation(Wrong.DOUBLED, (key,), f"{number} times")
    for row in rows:
        attempt = asked.get(row.key)
        if attempt is None:
            yield Violation(Wrong.INVENTED, (row.key,), _text(row.slot))
        elif attempt.slot != row.slot:
            said = f"{_text(row.slot)} for {_text(attempt.slot)}"
            yield Violation(Wrong.ALTERED, (row.key,), said)
        elif attempt.outcome in (Outcome.TAKEN, Outcome.NEVER):
            yield Violation(Wrong.REFUSED_AND_THERE, (row.key,), f"told {attempt.outcome}")


def _lost(attempts: Sequence[Attempt], rows: Sequence[Row]) -> Iterator[Violation]:
    there = {row.key for row in rows}
    for one in attempts:
        if one.outcome is Outcome.BOOKED and one.key not in there:
            yield Violation(Wrong.LOST, (one.key,), _text(one.slot))


def _baseless(asked: dict[str, Attempt], rows: Sequence[Row]) -> Iterator[Violation]:
    """A booking that was begun after the refusal came cannot be its reason."""
    had: dict[int, list[Attempt]] = defaultdict(list)
    for row in rows:
        if row.key in asked:
            had[row.slot.whose].append(asked[row.key])
    for one in asked.values():
        if one.outcome is Outcome.TAKEN and not any(
            other.slot.overlaps(one.slot) and other.began_s <= one.ended_s
            for other in had[one.slot.whose]
            if other.key != one.key
        ):
            yield Violation(Wrong.BASELESS, (one.key,), _text(one.slot))


def _overlapping(rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
    by_whom: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_whom[row.slot.whose].append(row)
    for own in by_whom.values():
        yield from ((one, other) for one, other in combinations(own, 2) if one.slot.overlaps(other.slot))


def _rivals(attempts: Sequence[Attempt]) -> Iterator[tuple[Attempt, Attempt]]:
    by_whom: dict[int, list[Attempt]] = defaultdict(list)
    for one in attempts:
        by_whom[one.slot.whose].append(one)
    for own in by_whom.values():
        for one, other in combinations(own, 2):
            met = one.began_s <= other.ended_s and other.began_s <= one.ended_s
            if met and one.slot.overlaps(other.slot):
                yield one, other


def _text(slot: Slot) -> str:
    return f"{slot.whose}: {slot.begins} to {slot.ends}"
