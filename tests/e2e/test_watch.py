"""What goes wrong behind a page is noticed, and told by name."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from scenarios.journeys.browser.watch import Watch
from tests.e2e.site import Answer, Site, page, script


def faults(context: BrowserContext, watch: Watch, expected: tuple[int, ...] = ()) -> list[str]:
    tab = context.new_page()
    tab.goto("/", wait_until="networkidle")
    return watch.faults(expected)


def test_a_good_page_has_none(site: Site, context: BrowserContext, watch: Watch) -> None:
    site.answers.update(
        {"/": page(script="/app.js"), "/app.js": script("console.log('fine'); console.warn('hm')")}
    )
    assert faults(context, watch) == []
    assert watch.answers == 2
    assert "fine" in watch.console().text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unitOf(1)", "script error: ReferenceError: unitOf is not defined on /"),
        ("Promise.reject(new TypeError('not a function'))", "script error: TypeError: not a function on /"),
        ("setTimeout(() => { throw new Error('later') })", "script error: Error: later on /"),
        ("console.error('cannot save', 42)", "the console says: cannot save 42 on /"),
    ],
    ids=["uncaught", "promise", "timer", "console"],
)
def test_what_scripts_complain_of(
    site: Site, context: BrowserContext, watch: Watch, text: str, told: str
) -> None:
    site.answers.update({"/": page(script="/app.js"), "/app.js": script(text)})
    assert faults(context, watch) == [told]


def test_what_the_policy_blocks(site: Site, context: BrowserContext, watch: Watch) -> None:
    site.answers["/"] = page("<script>inline()</script>")
    assert "Content Security Policy" in "\n".join(faults(context, watch))


def test_a_request_that_is_refused_unless_the_journey_provoked_it(
    site: Site, context: BrowserContext, watch: Watch
) -> None:
    site.answers.update({"/": page(script="/app.js"), "/app.js": script("fetch('/api')")})
    site.answers["/api"] = Answer("{}", 422)
    assert faults(context, watch) == ["GET /api was answered 422"]
    assert watch.faults((422,)) == []


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-served-side": "blue"}, "was answered by blue, not by green"),
        ({}, "by nobody knows whom"),
        ({"x-served-side": "green", "x-upstream-side": "blue"}, "was answered by blue, not by green"),
    ],
    ids=["other", "unsigned", "behind"],
)
def test_an_answer_that_is_not_our_sides(
    site: Site, context: BrowserContext, watch: Watch, headers: dict[str, str], told: str
) -> None:
    site.answers.update(
        {"/": page(script="/app.js"), "/app.js": Answer("1", kind="text/javascript", headers=headers)}
    )
    (found,) = faults(context, watch)
    assert found.startswith("GET /app.js")
    assert told in found


def test_a_request_without_an_answer(site: Site, context: BrowserContext, watch: Watch) -> None:
    site.answers.update({"/": page(script="/app.js"), "/app.js": script("fetch('/slow').catch(() => 0)")})
    context.route("**/slow", lambda route: route.abort("connectionreset"))
    assert faults(context, watch) == ["GET /slow: net::ERR_CONNECTION_RESET"]
