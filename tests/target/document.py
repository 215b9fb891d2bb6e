"""Reads figures out of a deployment document and out of a profile, each with its section, so that they can be held
against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel

from fixtures.target import Bound, Duration, Quantity, Share
from fixtures.target.quantities import KINDS, Cores
from fixtures.target.release import Span

DOCUMENTS = Path(__file__).resolve().parents[3] / "shared" / "documents"
DOCUMENT = DOCUMENTS / "hwayo.md"
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
    "min": "m",
    "minute": "m",
    "year": "y",
    "週": "w",
    "Mi": "MiB",
    "Gi": "GiB",
    "M": "MiB",
    "vCPU": " vCPU",
    "Tasks": "",
    "TPS": " transactions/s",
    "msg/sec": " messages/s",
    "copies": "",
    "copy": "",
}
WORDS = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
WITH_UNIT = re.compile(rf"(?<![\w.-])(\d+(?:\.\d+)?)(?: ?- ?(\d+(?:\.\d+)?))? ?({WORDS})(?![A-Za-z])")
BARE = re.compile(r'^\s*(?:- )?\w+: "?(\d+)"?\s*(?:#.*)?$')
CLOCK = re.compile(r"\b\d\d:\d\d\b")
HEADING = re.compile(r"^(#{2,4}) (?:(\d+(?:\.\d+)*)\.? |\W*)(.+?)\s*$")
COMPARED = re.compile(r"[<>]=? ?(\d+(?:\.\d+)?)(?![\d.]*[ ]?[\w%/])")
CRON = re.compile(r"^((?:[\d*]+ ){4}[\d*]+) /")


@dataclass(frozen=True)
class Figure:
    section: str  # without the §
    text: str  # "30m", "0.1%", "100 users", or a bare number
    line: int = 0
    within: tuple[str, ...] = ()  # the sections that this one is part of, where they are no numbers

    @property
    def number(self) -> str:
        return (re.match(r"[\d.]+", self.text) or [""])[0]


def figures(document: Path = DOCUMENT) -> Iterator[Figure]:
    """Every figure of the document, as a profile would write it."""
    for number, line, sections in lines(document):
        for text in _stated(line):
            yield Figure(sections[-1], text, number, sections[:-1])


def lines(document: Path) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Each line with the sections that it stands in, the outermost first: by number, or else by heading."""
    sections: dict[int, str] = {}
    for number, line in enumerate(document.read_text().splitlines(), start=1):
        heading = HEADING.match(line)
        if heading:
            depth = len(heading[1])
            sections = {level: one for level, one in sections.items() if level < depth}
            sections[depth] = heading[2] or heading[3]
        if sections:
            yield number, line, tuple(sections.values())


def _stated(line: str) -> Iterator[str]:
    for first, second, unit in WITH_UNIT.findall(line):
        yield from (amount + UNITS[unit] for amount in (first, second) if amount)
    yield from CLOCK.findall(line)
    for form in (BARE, CRON):
        if found := form.match(line):
            yield found[1]
    yield from COMPARED.findall(line)


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
    elif isinstance(value, str) and (CLOCK.fullmatch(value) or CRON.match(f"{value} /")):
        yield value


def of_rules(section: str, file: Path) -> Iterator[Figure]:
    """The figures of a file of alert rules: windows, waits and thresholds."""
    text = file.read_text()
    units = re.findall(r"(?<![\w.])\d+(?:ms|[smh%])(?!\w)", text)
    yield from (Figure(section, found) for found in [*units, *COMPARED.findall(text)])


def same(stated: Figure, kept: Figure) -> bool:
    """The same amount, and from the same section, or one that it is part of."""
    if kept.section not in stated.within and not (stated.section + ".").startswith(kept.section + "."):
        return False
    if stated.text.isdigit():
        return stated.number == kept.number
    return stated.text == kept.text or not _amounts(stated.text).isdisjoint(_amounts(kept.text))


def _amounts(text: str) -> set[tuple[str, Decimal]]:
    """What a text can mean, in base units: 0.05 is a share or a number of seconds, as its reader knows."""
    if re.fullmatch(r"\d+\.\d+", text):
        return {(kind.base, Decimal(text)) for kind in (Duration, Share, Cores)}
    found = ((kind.base, kind.parse(text)) for kind in KINDS)
    return {(base, amount) for base, amount in found if amount is not None}
