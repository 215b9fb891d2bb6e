"""A journey in a browser, step by step: what fails is shown as the person saw it, and what went wrong behind the pages
is a violation too."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from fixtures.evidence import Missing
from fixtures.target.pages import BrowserLogin, InBrowser, Page
from reports.verdicts import Evidence, Measurement
from scenarios.journeys.application import NOBODY
from scenarios.journeys.browser.visit import Browsing, Visit, told
from scenarios.journeys.walk import Ended, Unmet, Walk, needed
from scenarios.surroundings import Surroundings

SEEN = "what the browser saw meanwhile"


class People:
    """Sessions of those who are signed in already, so that only the journeys about that have to sign in again."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}

    def session(self, browsing: Browsing, who: str, patience_s: float) -> Any:
        """Playwright's storage state. Raises Missing where they cannot sign in."""
        if who == NOBODY:
            return None
        if who not in self._sessions:
            with needed(f"sign in as {who}"):
                visit = Visit(browsing, browsing.new_context(), patience_s)
                sign_in(visit, login_page(browsing.around), who)
                self._sessions[who] = visit.context.storage_state()
                visit.context.close()
        return self._sessions[who]


class Stroll(Walk):
    """`within` bounds each step, and is how long anything in it is waited for."""

    def __init__(self, browsing: Browsing, people: People, check: InBrowser) -> None:
        super().__init__(browsing.around, check.within)
        self.name = check.name
        self.expected: Container[int] = ()  # statuses that this journey provokes
        self._browsing = browsing
        self._people = people
        self._visits: list[Visit] = []
        self._shown = False

    def visit(self, who: str = NOBODY) -> Visit:
        """A person at a browser of their own, signed in already. Raises Missing where they cannot be."""
        session = self._people.session(self._browsing, who, self.within.amount)
        context = self._browsing.new_context(storage_state=session)
        self._visits.append(Visit(self._browsing, context, self.within.amount))
        return self._visits[-1]

    def page(self, name: str) -> Page:
        return self.around.target.pages[name]

    @contextmanager
    def step(self, name: str, service: str = "") -> Iterator[None]:
        with super().step(name, service), told():
            yield

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """A step that the others do not depend on: the journey goes on where it fails."""
        with suppress(Ended), self.step(name):
            yield

    def measure(self, journey: Callable[[Any], None]) -> Measurement:
        """Raises NoEvidence where the browser is gone."""
        super().measure(journey)
        self._look_back()
        for visit in self._visits:
            visit.context.close()
        return self._tally.measurement()

    def _look_back(self) -> None:
        self._tally.saw(SEEN)
        for fault in dict.fromkeys(
            fault for visit in self._visits for fault in visit.watch.faults(self.expected)
        ):
            self._tally.breaks(SEEN, fault, *self._testimony(""))
        answers = sum(visit.watch.answers for visit in self._visits)
        self._tally.note(
            Evidence(f"{answers} answers, each from {self.around.side}", "") if answers else _SILENT
        )
        if not answers:
            self._tally.unseen("no answer reached the browser")

    def _testimony(self, name: str) -> tuple[Evidence, ...]:
        """Once: what comes after the first failure stands in the same pictures."""
        if self._shown:
            return super()._testimony(name)
        self._shown = True
        traces = self._browsing.traces
        seen = [
            one for visit in reversed(self._visits) for one in visit.testimony()
        ]  # the last one was the actor
        numbered = [f"{self.name}-{index + 1}" if index else self.name for index in range(len(self._visits))]
        kept = [traces.keep(visit.context, name) for visit, name in zip(self._visits, numbered, strict=True)]
        return (*seen, *kept, *super()._testimony(name))


_SILENT = Evidence("no answer reached the browser", "")


def login_page(around: Surroundings) -> Page:
    """Where people log in: the page of the profile's journey that does so."""
    found = next((check for check in around.target.checks if isinstance(check, BrowserLogin)), None)
    if found is None:
        raise Missing("the profile has no browser-login check, which names the page where people log in")
    return around.target.pages[found.login]


def sign_in(visit: Visit, login: Page, who: str, opened: bool = False) -> None:
    """By the form, as people do; it is over when another page has taken its place."""
    credentials = ("user", "password") if who == "user" else (who, f"{who}_password")
    username, password = (visit.around.credential(name) for name in credentials)
    if not opened:
        visit.open(login)
    submit(visit, login, username, password)
    with told():
        visit.tab.wait_for_url(lambda url: urlsplit(url).path != login.path, wait_until="commit")


def submit(visit: Visit, login: Page, username: str, password: str) -> None:
    with told():
        visit.on(login, "username").fill(username)
        visit.on(login, "password").fill(password)
        visit.on(login, "submit").click()


def refused_in_words(visit: Visit, login: Page) -> None:
    """The login page says why, in the profile's words where it has some."""
    with told():
        visit.on(login, "error").filter(has_text=login.texts.get("refused", "")).wait_for()
    if visit.path != login.path:
        raise Unmet(f"a wrong password leads to {visit.path}")
