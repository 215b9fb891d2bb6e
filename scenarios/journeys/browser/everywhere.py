"""Over all pages: each comes up whole, and every link on them leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import TimeoutError as Overdue

from fixtures.target.pages import BrowserNavigation, BrowserPages, Page
from scenarios.journeys import application
from scenarios.journeys.browser.registry import walks
from scenarios.journeys.browser.stroll import Stroll, login_page
from scenarios.journeys.browser.visit import Visit, address, told
from scenarios.journeys.browser.watch import origin
from scenarios.journeys.walk import Unmet, needed
from scenarios.surroundings import Surroundings

DATA_MS = 5000  # for links that come with the data
Made = dict[str, object]  # what stands for the placeholders of pages' paths
LINKS = "links => links.map(link => [link.href, link.textContent.trim()])"


@walks(BrowserPages)
def pages(stroll: Stroll, _: BrowserPages) -> None:
    made = made_for(stroll)
    visits: dict[str, Visit] = {}
    for page in stroll.around.target.pages.values():
        visit = visits.get(page.as_) or stroll.visit(page.as_)
        visits[page.as_] = visit
        with stroll.apart(f"{page.title} ({page.path}) comes up whole"):
            visit.open(page, made)


@walks(BrowserNavigation)
def navigation(stroll: Stroll, _: BrowserNavigation) -> None:
    made = made_for(stroll)
    login = login_page(stroll.around)
    stroll.expected = range(400, 600)  # a dead link is told once, as a link
    for who in dict.fromkeys(page.as_ for page in stroll.around.target.pages.values()):
        visit = stroll.visit(who)
        followed: set[str] = set()
        for page in (one for one in stroll.around.target.pages.values() if one.as_ == who):
            with stroll.apart(f"the links of {page.title} ({page.path})"):
                links = list(links_of(visit, page, made))
            for href, text in links:
                if (shape := shape_of(href)) not in followed:
                    followed.add(shape)
                    with stroll.apart(
                        f"{text or 'a link'} on {page.title} leads somewhere ({urlsplit(href).path})"
                    ):
                        follow(visit, href, login if who != login.as_ else None)


def made_for(stroll: Stroll) -> Made:
    """A record and a report for the pages that show one."""
    return made_of(stroll.around, stroll.around.target.pages.values())


def made_of(around: Surroundings, pages: Iterable[Page]) -> Made:
    """Raises Missing where it cannot be made."""
    names = {name for page in pages for name in re.findall(r"\{(\w+)\}", page.path)}
    with needed("make what the pages show"):
        return {name: application(around).example(name) for name in sorted(names)}


def links_of(visit: Visit, page: Page, made: Made) -> Iterator[tuple[str, str]]:
    """Those into our own system, each with its words. A page that never shows its data has links all the same."""
    visit.tab.goto(address(page, made))
    with suppress(Overdue):
        visit.tab.locator(page.ready).wait_for(state="attached", timeout=DATA_MS)
    here = origin(visit.tab.url)
    for href, text in visit.tab.locator("a[href]").evaluate_all(LINKS):
        if origin(href) == here:
            yield urldefrag(href).url, text


def shape_of(href: str) -> str:
    """Links that differ in a number only lead to pages of one kind: one of them is followed."""
    return re.sub(r"\d+", "0", href)


def follow(visit: Visit, href: str, login: Page | None) -> None:
    with told():
        answer = visit.tab.goto(href)
    if answer is not None and answer.status >= 400:
        raise Unmet(f"{urlsplit(href).path} answered {answer.status}")
    if login is not None and visit.path == login.path:
        raise Unmet(f"{urlsplit(href).path} leads out, to the login")
