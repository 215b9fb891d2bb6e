"""A profile that speaks of pages which are not there, or lack what a journey needs, is refused."""

from __future__ import annotations

import pytest

from fixtures.target import Target
from fixtures.target.pages import KINDS
from scenarios.journeys.browser import kinds
from tests.target.profiles import HWAYO, SMALL, built, changed, only

LOGIN = "{check: browser-login, name: in, title: In, within: 2s, source: §1}"
NODES = "  - {check: nodes-ready, name: nodes, title: Nodes, source: §2}\n"
PAGES = """\
pages:
  login:
    {title: Login, path: /in, as: nobody, ready: body, source: §1,
     elements: {username: "#u", password: "#p", submit: "#s", error: "#e"}}
  dashboard: {title: Home, path: /home, ready: body, source: §1, elements: {who: "#who"}}
"""
WITH_PAGES = changed(NODES, f"{NODES}  - {LOGIN}\n", SMALL) + PAGES


def test_every_kind_of_journey_can_be_walked() -> None:
    assert kinds() == set(KINDS.values())


def test_pages_are_read() -> None:
    target = built(WITH_PAGES)
    assert target.pages["login"].name == "login"
    assert target.checks[-1].stage == "e2e"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: in,", "name: in, home: dashbord,", "dashbord"),
        ('error: "#e"', 'eror: "#e"', "error"),
        ("over: load POST /login", "over: page /hom", "/hom"),
        ("path: /in", "path: in", "a path such as"),
    ],
    ids=["unknown page", "missing element", "promise on no page", "no path"],
)
def test_what_does_not_fit_together_is_refused(old: str, new: str, said: str) -> None:
    text = changed(old, new, WITH_PAGES)
    assert said in str(only(text))


def test_hwayos_own_pages_fit() -> None:
    target = built(HWAYO, Target.load("hwayo").file)
    paths = {one.path for one in target.pages.values()}
    assert {one.over.subject for one in target.objectives.values() if one.over.kind == "page"} - {""} <= paths
