"""What was acknowledged, against what is there: every loss listed, and the figures that follow from the list.

Pure, so that it can be asked again of a kept journal. "Before" is what a client can know: a write came before another
when it was acknowledged before the other was sent.

    RPO        from the acknowledgement of the oldest write that is gone, to the onset of the disaster, or to the
               acknowledgement of the newest that is gone, where the system still took writes after the onset. Good to
               one interval between writes (`resolution_s`). Nothing gone is 0; no write acknowledged before the onset,
               nothing known. Where nothing of ours is left from before the onset, it counts from the last change
               that was brought back: what others wrote before we began is gone, too.
    integrity  what is there is a beginning of what was acknowledged: nothing altered, doubled, out of order, invented,
               no id given twice, and nothing gone of which something later is still there (a hole). Anything else is
               no recovery to an earlier moment, however short.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scenarios.drills.journal import Outcome, Write


@dataclass(frozen=True)
class Kept:
    """What the data holds under our mark."""

    key: str
    print: str
    id: int


@dataclass(frozen=True)
class Cut:
    """When the disaster struck, and when what was restored began to take writes (inf: it never did). `reaches_s`: the
    last change that was brought back, where something was restored. Unix seconds."""

    onset_s: float
    resumed_s: float
    reaches_s: float | None = None


@dataclass(frozen=True)
class Truth:
    """The comparison. Each list names what it is about."""

    cut: Cut
    acknowledged: tuple[Write, ...]
    intact: int  # acknowledged writes that are there once, unchanged, under their id
    lost: tuple[Write, ...]  # the end of what was acknowledged before the recovery: the cost of going back
    holes: tuple[Write, ...]  # gone, though something later is there, or though it came after the recovery
    altered: tuple[tuple[Write, Kept], ...]  # other content, or under another id
    duplicated: tuple[tuple[Write, int], ...]  # how often it is there
    disordered: tuple[tuple[str, str], ...]  # keys: the first came before the second, and is listed after it
    reused: tuple[tuple[int, tuple[str, ...]], ...]  # an id that was acknowledged for several
    invented: tuple[Kept, ...]  # nobody sent it, or it was refused

    @property
    def rpo_s(self) -> float | None:
        before = [one for one in self.acknowledged if _answered(one) <= self.cut.onset_s]
        if not before:
            return None
        gone = [_answered(one) for one in (*self.lost, *self.holes) if _answered(one) <= self.cut.resumed_s]
        if not gone:
            return 0.0
        since_s = min(gone)
        if self.cut.reaches_s is not None and all(one in self.lost for one in before):
            since_s = min(since_s, self.cut.reaches_s)  # whoever wrote before we did has lost that, too
        return max(self.cut.onset_s, max(gone)) - since_s

    @property
    def resolution_s(self) -> float | None:
        """The longest time without an acknowledgement up to the onset: a shorter loss could have gone unseen."""
        onset_s = self.cut.onset_s
        moments = [_answered(one) for one in self.acknowledged if _answered(one) <= onset_s]
        return max((after - before for before, after in pairwise([*moments, onset_s])), default=None)

    @property
    def offences(self) -> tuple[str, ...]:
        """What breaks integrity, in words, the kinds by weight."""
        return tuple(_offences(self))

    @property
    def is_whole(self) -> bool:
        """Not even the end of it is missing."""
        return not self.lost and not self.offences


def compare(writes: Sequence[Write], kept: Iterable[Kept], cut: Cut) -> Truth:
    there: defaultdict[str, list[Kept]] = defaultdict(list)
    for one in kept:
        there[one.key].append(one)
    acknowledged = sorted((one for one in writes if one.outcome is Outcome.ACKNOWLEDGED), key=_answered)
    found = [(one, there[one.key]) for one in acknowledged if one.key in there]
    gone = [one for one in acknowledged if one.key not in there]
    holes = _holes(gone, [one for one, _ in found], cut)
    altered = [(one, copy) for one in writes for copy in there.get(one.key, ()) if not _same(one, copy)]
    doubled = [(one, len(there[one.key])) for one in writes if len(there.get(one.key, ())) > 1]
    spoiled = {one.key for one, _ in (*altered, *doubled)}
    may_be_there = {one.key for one in writes if one.outcome is not Outcome.REFUSED}
    return Truth(
        cut=cut,
        acknowledged=tuple(acknowledged),
        intact=sum(one.key not in spoiled for one, _ in found),
        lost=tuple(one for one in gone if one not in holes),
        holes=tuple(one for one in gone if one in holes),
        altered=tuple(altered),
        duplicated=tuple(doubled),
        disordered=tuple(_disordered(writes, there)),
        reused=tuple(_reused(acknowledged)),
        invented=tuple(one for key, copies in there.items() if key not in may_be_there for one in copies),
    )


def _holes(gone: Sequence[Write], survivors: Sequence[Write], cut: Cut) -> set[Write]:
    """A survivor that was acknowledged before the recovery took writes shows how far the old history reaches."""
    old = [one.sent_s for one in survivors if _answered(one) <= cut.resumed_s]
    reaches_s = max(old, default=float("-inf"))
    return {one for one in gone if _answered(one) < reaches_s or _answered(one) > cut.resumed_s}


def _disordered(writes: Sequence[Write], there: dict[str, list[Kept]]) -> Iterator[tuple[str, str]]:
    """Ids are given in order, so of two that came one after the other the later must have the larger."""
    listed = [(one, there[one.key][0].id) for one in writes if one.key in there]
    done = sorted(
        (_answered(one), number, one.key) for one, number in listed if one.outcome is Outcome.ACKNOWLEDGED
    )
    largest: list[tuple[int, str]] = []  # among those that were done by then
    for _, number, key in done:
        largest.append(max(largest[-1], (number, key)) if largest else (number, key))
    moments = [moment for moment, _, _ in done]
    for one, number in listed:
        earlier = bisect_left(
            moments, one.sent_s
        )  # acknowledged at the very moment it was sent is not before
        if earlier and largest[earlier - 1][0] > number:
            yield largest[earlier - 1][1], one.key


def _reused(acknowledged: Iterable[Write]) -> Iterator[tuple[int, tuple[str, ...]]]:
    holders: defaultdict[int, list[str]] = defaultdict(list)
    for one in acknowledged:
        if one.id is not None:
            holders[one.id].append(one.key)
    return ((number, tuple(keys)) for number, keys in holders.items() if len(keys) > 1)


def _same(write: Write, kept: Kept) -> bool:
    return kept.print == write.print and (write.id is None or kept.id == write.id)


def _answered(write: Write) -> float:
    """Acknowledged writes have it."""
    assert write.answered_s is not None
    return write.answered_s


def _offences(truth: Truth) -> Iterator[str]:
    named: tuple[tuple[str, list[str]], ...] = (
        ("gone, though later ones are there", [one.key for one in truth.holes]),
        ("altered", [f"{one.key} (id {one.id}, now {copy.id})" for one, copy in truth.altered]),
        ("there more than once", [f"{one.key} ({times} times)" for one, times in truth.duplicated]),
        ("out of order", [f"{later} before {earlier}" for earlier, later in truth.disordered]),
        ("ids given more than once", [f"{number} to {' and '.join(keys)}" for number, keys in truth.reused]),
        ("there, though nobody sent them or they were refused", [one.key for one in truth.invented]),
    )
    return (f"{len(which)} {what}: {_few(which)}" for what, which in named if which)


def _few(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
