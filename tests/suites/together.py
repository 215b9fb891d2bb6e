"""Defects that are tried in one run of a stage, because nobody notices two of them: a run takes half a minute."""

from __future__ import annotations

from collections.abc import Iterable

from fixtures.lab.defects import Defect

Group = tuple[Defect, ...]


def together(defects: Iterable[Defect], most: int, solo: frozenset[str] = frozenset()) -> list[Group]:
    """Each in one group, of its own where it is `solo`; as few groups as come of that, in the order of the first."""
    groups: list[Group] = []
    for one in defects:
        fitting = (group for group in groups if len(group) < most and _fits(one, group, solo))
        if group := next(fitting, ()):
            groups[groups.index(group)] = (*group, one)
        else:
            groups.append((one,))
    return groups


def title(group: Group) -> str:
    return "+".join(one.name for one in group)


def _fits(one: Defect, group: Group, solo: frozenset[str]) -> bool:
    apart = {one.name, *(other.name for other in group)} & solo
    return not apart and all(
        one.stage == other.stage and not _felt_by(one) & _felt_by(other) for other in group
    )


def _felt_by(defect: Defect) -> frozenset[str]:
    return defect.caught_by | defect.blinds | defect.also
