"""Profiles that tests change: the real one as text, and a small one that is right."""

from __future__ import annotations

from pathlib import Path

from fixtures.target import Target
from fixtures.target.errors import InvalidProfile, Problem
from fixtures.target.load import PROFILES, build
from fixtures.target.source import parse

HWAYO = (PROFILES / "hwayo.yaml").read_text()
SMALL = """\
system: small
title: A small system
document: documents/small.md
platform: kubernetes
router: istio
services:
  - {name: api, image: small-api, health: /health, source: §1}
environments:
  lab: {embedded: true, pace: 1/60, namespaces: {blue: small, green: small-green}}
checks:
  - {check: nodes-ready, name: nodes, title: Nodes, source: §2}
objectives:
  login: {title: Login, that: p95 < 2s, should: p95 < 1s, over: load POST /login, source: §3}
"""


def built(text: str, file: str | Path = "small.yaml") -> Target:
    return build(Target, parse(text, str(file)))


def problems(text: str) -> tuple[Problem, ...]:
    """What is wrong with a profile; fails where nothing is."""
    try:
        built(text)
    except InvalidProfile as error:
        return error.problems
    raise AssertionError("the profile was accepted")


def only(text: str) -> Problem:
    """The one thing that is wrong with a profile."""
    found = problems(text)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def changed(old: str, new: str, text: str = SMALL) -> str:
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    return text.replace(old, new)
