"""A real browser, on a small real site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from fixtures.browser import launch_options, started
from fixtures.target import Environment, Side, Sides
from scenarios.journeys.browser.watch import Watch
from tests.e2e.site import Site, served


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with started(lambda: playwright.chromium.launch(**launch_options("chromium")), "chromium") as found:
        yield found


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as found:
        yield found


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    found = browser.new_context(base_url=site.url)
    yield found
    found.close()


@pytest.fixture
def watch(context: BrowserContext, site: Site) -> Watch:
    namespaces = Sides[str](blue="shop", green="shop-green")
    return Watch(context, Environment(embedded=True, namespaces=namespaces, entry=site.url), Side.GREEN)
