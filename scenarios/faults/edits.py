"""Changes within an object, place by place: what was there, what is put there, and how to take out only that again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

Json = dict[str, Any]
Key = str | int


class Absent(Enum):
    """Nothing is there: other than null, which is something."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class Change:
    """At `path` within the object there was `before`, and `put` is put there. Either may be ABSENT."""

    path: tuple[Key, ...]
    before: Any
    put: Any

    @classmethod
    def plan(cls, found: Mapping[str, Any], path: tuple[Key, ...], put: Any) -> Self:
        """For the object as it is now: where what is to hold it is missing too, that is put with it."""
        within: Any = found
        for at, key in enumerate(path[:-1]):
            below = _get(within, key)
            if below is ABSENT:
                for missing in reversed(path[at + 1 :]):
                    put = {missing: put}
                return cls(path[: at + 1], ABSENT, put)
            within = below
        return cls(path, copy.deepcopy(_get(within, path[-1])), put)

    def read(self, found: Mapping[str, Any]) -> Any:
        """What is at the path now; ABSENT also where what held it is gone."""
        within: Any = found
        for key in self.path:
            within = _get(within, key)
            if within is ABSENT:
                return ABSENT
        return within

    def is_in(self, found: Mapping[str, Any]) -> bool:
        """Whether what was put is there still, whatever the platform's defaults added to it."""
        return covers(self.read(found), self.put)

    def is_out(self, found: Mapping[str, Any]) -> bool:
        return bool(self.read(found) == self.before)

    def write(self, found: Json, value: Any) -> None:
        within: Any = found
        for key in self.path[:-1]:
            within = within[key]
        if value is ABSENT:
            del within[self.path[-1]]
        else:
            within[self.path[-1]] = copy.deepcopy(value)

    def as_json(self) -> Json:
        stated = {"before": self.before, "put": self.put}
        return {"path": list(self.path), **{key: one for key, one in stated.items() if one is not ABSENT}}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> Self:
        return cls(tuple(found["path"]), found.get("before", ABSENT), found.get("put", ABSENT))


def covers(whole: Any, part: Any) -> bool:
    """Whether all of the part is in the whole, in its place; lists are of one length."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and covers(whole[key], value) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(covers, whole, part))
    return bool(whole == part)


def _get(within: Any, key: Key) -> Any:
    if isinstance(within, dict):
        return within.get(key, ABSENT) if isinstance(key, str) else ABSENT
    if isinstance(within, list) and isinstance(key, int) and key < len(within):
        return within[key]
    return ABSENT
