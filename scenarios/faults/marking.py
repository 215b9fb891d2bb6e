"""What every act is done with and leaves behind: hands, and the mark on what is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fixtures.evidence import Missing
from fixtures.ledger import Entry
from fixtures.platforms.changes import Changes, Conflict, Json, Ref

MARK = "faults.verdigris.dev/"  # annotation MARK + the entry's id: the entry
BUDGET_S = 30.0  # for a disruption budget to let a pod go
TRIES = 5  # of a write that others write in between


class Undone(StrEnum):
    HEALED = "healed"
    CLEAN = "was not there"  # healed before, or never put in
    GONE = "the object is gone"  # and the fault with it
    OVERWRITTEN = "overwritten"  # somebody put something else in its place, which is left alone


class HealFailed(Exception):
    """Something that was put in is still there."""


def _cannot_hold(store: str, side: str, statement: str, name: str) -> None:  # noqa: ARG001 - as it is called
    raise Missing(f"there is nobody to hold the {store} of {side}")


@dataclass(frozen=True)
class Hands:
    """What acts are carried out with. `say(store, side, statement)` speaks to a store; `hold` of the same and a name
    does so by a connection of that name, and does not wait for an answer."""

    objects: Changes
    say: Callable[[str, str, str], None]
    hold: Callable[[str, str, str, str], None] = _cannot_hold


def mark(entry: Entry) -> str:
    return MARK + entry.id


def notes_of(found: Mapping[str, Any]) -> Mapping[str, str]:
    return found.get("metadata", {}).get("annotations") or {}


def written(ref: Ref) -> Json:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def annotate(found: Json, key: str, value: str | None) -> None:
    """Put or take out an annotation, with the map that holds it where it is the only one."""
    metadata = found["metadata"]
    kept = dict(metadata.get("annotations") or {})
    kept.pop(key, None)
    if value is not None:
        kept[key] = value
    if kept:
        metadata["annotations"] = kept
    else:
        metadata.pop("annotations", None)


def marked(objects: Changes, ref: Ref, key: str, value: str | None) -> None:
    """Have the object carry that annotation, or none of that key."""
    for _ in range(TRIES):
        found = objects.read_object(ref)
        if found is None:
            raise Conflict(f"{ref} is not there")
        if notes_of(found).get(key) == value:
            return
        annotate(found, key, value)
        try:
            objects.replace_object(ref, found)
        except Conflict:
            continue
        return
    raise HealFailed(f"{ref} changes so fast that {TRIES} writes came too late")
