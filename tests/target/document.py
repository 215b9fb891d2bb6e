"""Reads figures out of a deployment document and out of a profile, each with its section, so that they can be held
against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from fixtures.target import Bound, Duration, Quantity
from fixtures.target.release import Span

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "documents" / "hwayo.md"
# The document's units, and what a profile writes for them.
UNITS = {
    "ms": "ms",
    "s": "s",
    "m": "m",
    "h": "h",
    "秒": "s",
    "分鐘": "m",
    "minutes": "m",
    "小時": "h",
    "hours": "h",
    "hour": "h",
    "days": "d",
    "day": "d",
    "天": "d",
    "weeks": "w",
    "week": "w",
    "年": "y",
    "%": "%",
    "GB": "GB",
    "TB": "TB",
    "次": " failures",
    "concurrent users": " users",
    "records/hour": " records/h",
    "reports/hour": " reports/h",
}
WORDS = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
WITH_UNIT = re.compile(rf"(?<![\w.-])(\d+(?:\.\d+)?)(?: ?- ?(\d+(?:\.\d+)?))? ?({WORDS})(?![A-Za-z])")
BARE = re.compile(r'^\s*(?:- )?\w+: "?(\d+)"?\s*(?:#.*)?$')
CLOCK = re.compile(r"\b\d\d:\d\d\b")
HEADING = re.compile(r"^#{2,4} (\d+(?:\.\d+)*)\.? ")


@dataclass(frozen=True)
class Figure:
    section: str  # without the §
    text: str  # "30m", "0.1%", "100 users", or a bare number
    line: int = 0

    @property
    def number(self) -> str:
        return (re.match(r"[\d.]+", self.text) or [""])[0]


def figures() -> Iterator[Figure]:
    """Every figure of the document, as a profile would write it."""
    section = ""
    for number, line in enumerate(DOCUMENT.read_text().splitlines(), start=1):
        heading = HEADING.match(line)
        if heading:
            section = heading[1]
        if not section:
            continue
        for first, second, unit in WITH_UNIT.findall(line):
            yield from (Figure(section, amount + UNITS[unit], number) for amount in (first, second) if amount)
        bare = BARE.match(line)
        if bare:
            yield Figure(section, bare[1], number)
        yield from (Figure(section, time, number) for time in CLOCK.findall(line))


def held(value: object, sections: tuple[str, ...] = ()) -> Iterator[Figure]:
    """Every figure of a profile, once for each section that it says it comes from."""
    if isinstance(value, BaseModel):
        source = str(getattr(value, "source", "") or "")
        sections = tuple(part.removeprefix("§") for part in source.split(", ")) if source else sections
        for field in type(value).model_fields:
            yield from held(getattr(value, field), sections)
    elif isinstance(value, dict | list | tuple) and not isinstance(value, Span):
        for item in value.values() if isinstance(value, dict) else value:
            yield from held(item, sections)
    else:
        yield from (Figure(section, text) for text in _texts(value) for section in sections)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Bound):
        yield str(value.limit)
        if value.what[1:].isdigit():
            yield f"{value.what[1:]}%"
    elif isinstance(value, Span):
        yield from map(str, value)
    elif isinstance(value, Quantity) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)
    elif isinstance(value, str) and CLOCK.fullmatch(value):
        yield value


def same(stated: Figure, kept: Figure) -> bool:
    """The same amount, and from the same section, or one that it is part of."""
    if not (stated.section + ".").startswith(kept.section + "."):
        return False
    if stated.text.isdigit():
        return stated.number == kept.number
    if stated.text == kept.text:
        return True
    amounts = (Duration.parse(stated.text), Duration.parse(kept.text))
    return amounts[0] is not None and amounts[0] == amounts[1]
