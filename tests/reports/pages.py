"""Reads an HTML page strictly enough to notice what browsers forgive."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "img", "input", "br", "hr", "source", "col", "path", "rect"}
OPTIONAL_SRC = ("data:", "#")


class Page(HTMLParser):
    """What stands in a page, and `problems`: unclosed tags, ids given twice, whatever it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.titles: list[str] = []
        self.scripts = 0
        self.data: dict[str, Any] = {}
        self._open: list[str] = []
        self._ids: set[str] = set()
        self._text: list[str] = []
        if not html.lstrip().lower().startswith("<!doctype html>"):
            self.problems.append("no doctype")
        self.feed(html)
        self.close()
        if self._open:
            self.problems.append(f"never closed: {self._open}")

    @property
    def text(self) -> str:
        """All that can be read, without scripts and styles."""
        return " ".join(" ".join(self._text).split())

    @property
    def tests(self) -> list[dict[str, Any]]:
        """pytest-html's rows."""
        return [one for rows in self.data["tests"].values() for one in rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if len(given) != len(attrs):
            self.problems.append(f"<{tag}> has an attribute twice")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        self.scripts += tag == "script"
        if blob := given.get("data-jsonblob"):
            self.data = json.loads(blob)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self._attribute(tag, name, value or "")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing at line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "title":
            self.titles.append(data.strip())
        elif inside not in ("script", "style"):
            self._text.append(data)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self.problems.append(f"<{tag}> has the handler {name}")
        if name in ("src", "href") and not value.startswith(OPTIONAL_SRC):
            self.problems.append(f"<{tag}> fetches {value}")
        if name == "id":
            if value in self._ids:
                self.problems.append(f"the id {value} twice")
            self._ids.add(value)
