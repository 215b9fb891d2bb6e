"""Fields within a platform's objects, read and set by their path; and an object without the marks that faults leave."""

from __future__ import annotations

import copy
from collections.abc import Container, Iterator, Mapping
from typing import Any

from fixtures.platforms.changes import Json
from scenarios.faults.acts import MARK, notes_of
from scenarios.faults.edits import ABSENT

Path = tuple[str, ...]


def got(body: Mapping[str, Any], at: Path) -> Any:
    """None where there is nothing."""
    found: Any = body
    for key in at:
        found = (found or {}).get(key)
    return found


def put(body: Mapping[str, Any], at: Path, value: object) -> Json:
    """A copy with that field set, or taken out where the value is None."""
    made = copy.deepcopy(dict(body))
    parent: Any = made
    for key in at[:-1]:
        parent[key] = parent.get(key) or {}
        parent = parent[key]
    if value is None:
        parent.pop(at[-1], None)
    else:
        parent[at[-1]] = value
    return made


def unmarked(body: Mapping[str, Any], of: Container[str] | None = None) -> Json:
    """A copy that tells of no entry in the ledger, or of none of those ids."""
    bare = copy.deepcopy(dict(body))
    for key in notes_of(body):
        if key.startswith(MARK) and (of is None or key.removeprefix(MARK) in of):
            bare = put(bare, ("metadata", "annotations", key), None)
    return bare


def differing(before: Mapping[str, Any], after: Mapping[str, Any], at: Path = ()) -> Iterator[Path]:
    """Where the two are not the same. A list is one place; an empty map is none."""
    for key in sorted({*before, *after}):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from differing(old, new, (*at, key))
        elif old is ABSENT and isinstance(new, dict):
            yield from differing({}, new, (*at, key))
        elif old != new and not (old == {} and new is ABSENT):
            yield (*at, key)
