"""Histories of writes as a store makes them: concurrent clients, one order of commits, a disaster, a recovery."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from scenarios.drills.journal import Outcome, Write
from scenarios.drills.truth import Cut, Kept

FIRST_ID = 301


@dataclass(frozen=True)
class History:
    """`committed` is what the store held at the onset, in its order; it came back with the first `kept_n` of that."""

    writes: tuple[Write, ...]
    committed: tuple[Write, ...]
    kept_n: int
    later: tuple[Write, ...]  # acknowledged after the recovery
    cut: Cut

    @property
    def kept(self) -> list[Kept]:
        return [kept(one) for one in (*self.committed[: self.kept_n], *self.later)]


def kept(write: Write) -> Kept:
    assert write.id is not None
    return Kept(write.key, write.print, write.id)


def write(number: int, sent_s: float, took_s: float, outcome: Outcome = Outcome.ACKNOWLEDGED) -> Write:
    """The store's id is kept in `id` also where the client never heard of it; `heard` hides it."""
    answered_s = None if outcome is Outcome.UNSURE else sent_s + took_s
    return Write(f"w{number}", f"print {number}", sent_s, outcome, answered_s, FIRST_ID + number)


def heard(one: Write) -> Write:
    """As the journal has it: who got no acknowledgement knows no id."""
    if one.outcome is Outcome.ACKNOWLEDGED:
        return one
    return Write(one.key, one.print, one.sent_s, one.outcome, one.answered_s, None)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A prefix of what was committed comes back; ids skip what was lost, as a careful restore has them do."""
    commits = draw(
        st.lists(st.integers(1, 20), min_size=1, max_size=30)
    )  # tenths of a second between commits
    before, at = [], 0.0
    for number, step in enumerate(commits):
        at += step / 10
        early, late = draw(st.integers(0, 15)) / 10, draw(st.integers(1, 15)) / 10
        outcome = draw(st.sampled_from([Outcome.ACKNOWLEDGED] * 5 + [Outcome.UNSURE]))
        before.append(write(number, at - early, early + late, outcome))
    onset_s = at + 2.0
    resumed_s = onset_s + draw(st.integers(1, 100)) / 10
    later = [write(1000 + number, resumed_s + 0.1 + number, 0.5) for number in range(draw(st.integers(0, 5)))]
    refused = [
        write(2000 + number, onset_s + 0.1, 0.1, Outcome.REFUSED) for number in range(draw(st.integers(0, 3)))
    ]
    kept_n = draw(st.integers(0, len(before)))
    writes = sorted((heard(one) for one in (*before, *refused, *later)), key=lambda one: one.sent_s)
    return History(tuple(writes), tuple(before), kept_n, tuple(later), Cut(onset_s, resumed_s))
