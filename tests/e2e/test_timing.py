"""Page loads are timed in the browser's own clock, cold, and to the end."""

from __future__ import annotations

import socket

import pytest
from playwright.sync_api import BrowserContext

from scenarios.journeys.browser.timing import Cold, Load
from tests.e2e.site import BIG, Answer, Site, page, script

READY = "body[data-ready=true]"
PATIENCE_S = 10.0
AT_ONCE = "document.body.dataset.ready = 'true';"


def later(ms: int, what: str = AT_ONCE) -> Answer:
    return script(f"setTimeout(() => {{ {what} }}, {ms});")


def load(context: BrowserContext, patience_s: float = PATIENCE_S) -> Load:
    return Cold(context, READY).load("/", patience_s)


def test_load_event_paint_and_data_are_all_seen_under_a_strict_policy(
    site: Site, context: BrowserContext
) -> None:
    site.answers.update({"/": page(script="/app.js"), "/app.js": script(AT_ONCE)})
    seen = load(context)
    assert not seen.failed
    assert seen.fresh
    for part in (seen.first_byte_s, seen.load_s, seen.lcp_s, seen.ready_s):
        assert part is not None
        assert 0 < part <= seen.took_s < PATIENCE_S


def test_data_that_comes_late_makes_the_load_late(site: Site, context: BrowserContext) -> None:
    site.answers.update({"/": page(script="/app.js"), "/app.js": later(700)})
    seen = load(context)
    assert seen.load_s is not None
    assert seen.load_s < 0.7 <= seen.took_s == seen.ready_s


def test_a_largest_paint_that_comes_late_makes_the_load_late(site: Site, context: BrowserContext) -> None:
    """Something larger is painted in the moment in which the data is there."""
    larger = f"document.body.innerHTML = '{BIG * 3}'; {AT_ONCE}"
    site.answers.update({"/": page("<p>wait</p>", "/app.js"), "/app.js": later(600, larger)})
    seen = load(context)
    assert seen.lcp_s is not None
    assert 0.6 <= seen.lcp_s <= seen.took_s


def test_a_slow_answer_is_in_the_first_byte(site: Site, context: BrowserContext) -> None:
    slow = page(script="/app.js")
    site.answers.update({"/": Answer(slow.body, 200, slow.headers, after_s=0.5), "/app.js": script(AT_ONCE)})
    seen = load(context)
    assert seen.first_byte_s is not None
    assert 0.5 <= seen.first_byte_s <= seen.took_s


def test_data_that_never_comes_is_a_failed_load_as_long_as_it_was_waited_for(
    site: Site, context: BrowserContext
) -> None:
    site.answers["/"] = page()
    seen = load(context, patience_s=0.8)
    assert "vain" in seen.failed
    assert 0.8 <= seen.took_s < 2


@pytest.mark.parametrize("status", [404, 503])
def test_a_page_that_is_refused_is_a_failed_load(site: Site, context: BrowserContext, status: int) -> None:
    site.answers["/"] = Answer("<body data-ready=true>no", status)
    assert str(status) in load(context).failed


def test_nobody_there_is_a_failed_load(context: BrowserContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    assert (
        "ERR_CONNECTION_REFUSED" in Cold(context, READY).load(f"http://127.0.0.1:{free}/", PATIENCE_S).failed
    )


def test_every_load_is_cold_though_the_script_may_be_kept_for_an_hour(
    site: Site, context: BrowserContext
) -> None:
    site.answers.update({"/": page(script="/app.js"), "/app.js": script(AT_ONCE)})
    cold = Cold(context, READY)
    loads = [cold.load("/", PATIENCE_S) for _ in range(4)]
    assert [one.failed for one in loads] == [""] * 4
    assert [one.fresh for one in loads] == [True, False, False, False]
    assert all(one.lcp_s for one in loads)  # of each one, and not of the first alone
    assert site.asked["/app.js"] == 4


def test_without_emptying_the_cache_it_would_not_be(site: Site, context: BrowserContext) -> None:
    """What the test above relies on."""
    site.answers.update({"/": page(script="/app.js"), "/app.js": script(AT_ONCE)})
    tab = context.new_page()
    for _ in range(4):
        tab.goto("about:blank")
        tab.goto("/")
    assert site.asked["/app.js"] == 1
