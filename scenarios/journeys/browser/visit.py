"""A person's visit: one context of the browser, the page in front of them, and page objects made from the profile."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as Overdue

from fixtures.browser import NoBrowser, without_secrets
from fixtures.redact import Redactor
from fixtures.target.pages import Page
from reports.verdicts import Evidence
from scenarios.journeys.browser.watch import Watch
from scenarios.journeys.walk import Unmet
from scenarios.surroundings import Surroundings

# Playwright's words for a browser that is no more, or lacks a part of its own (ffmpeg, for --video).
GONE = ("has been closed", "has crashed", "Connection closed", "Executable doesn't exist")


@dataclass(frozen=True)
class Traces:
    """Where traces are kept: in the run's folder, without secrets. `own` is false where pytest-playwright traces."""

    run_folder: Path
    redact: Redactor
    own: bool = True

    def begin(self, context: BrowserContext) -> None:
        if self.own:
            context.tracing.start(snapshots=True)

    def keep(self, context: BrowserContext, name: str) -> Evidence:
        if not self.own:
            return Evidence("the trace is kept where --output says", "")
        file = self.run_folder / "browser" / f"{name}.zip"
        file.parent.mkdir(parents=True, exist_ok=True)
        context.tracing.stop(path=file)
        without_secrets(file, self.redact)
        title = f"trace of the browser (playwright show-trace {file.name})"
        return Evidence(title, file.relative_to(self.run_folder).as_posix(), "file")


@dataclass(frozen=True)
class Browsing:
    """What one goes on a journey with."""

    around: Surroundings
    new_context: Callable[..., BrowserContext]
    traces: Traces


class Visit:
    """What does not go as it should raises Unmet."""

    def __init__(self, browsing: Browsing, context: BrowserContext, patience_s: float) -> None:
        self.around = browsing.around
        self.context = context
        self.watch = Watch(context, self.around.environment, self.around.side)
        context.set_default_timeout(patience_s * 1000)
        browsing.traces.begin(context)
        with told():
            self.tab = context.new_page()

    # --- pages -------------------------------------------------------------------------------------------------------
    def open(self, page: Page, made: Mapping[str, object] | None = None) -> None:
        """By its address; raises Unmet where it does not come up whole, or another comes up."""
        where = address(page, made or {})
        with told():
            answer = self.tab.goto(where)
        if answer is not None and answer.status >= 400:
            raise Unmet(f"{where} answered {answer.status}")
        self.arrive(page)

    def arrive(self, page: Page) -> None:
        """Wait for the page and for what it shows."""
        self.land(page)
        try:
            with told():
                self.tab.locator(page.ready).wait_for(state="attached")
        except Unmet as error:
            raise Unmet(f"{page.title} ({self.path}) came up, and never showed its data") from error

    def land(self, page: Page) -> None:
        """Wait for the page, whatever it shows."""
        wanted = pattern(page)
        try:
            with told():
                self.tab.wait_for_url(
                    lambda url: bool(wanted.fullmatch(urlsplit(url).path)), wait_until="commit"
                )
        except Unmet as error:
            raise Unmet(f"{self.path} is there, and not {page.title} ({page.path})") from error

    def on(self, page: Page, element: str) -> Locator:
        """One of the page's elements, by its name in the profile."""
        return self.tab.locator(page.elements[element])

    @property
    def path(self) -> str:
        return urlsplit(self.tab.url).path

    # --- what is left behind -----------------------------------------------------------------------------------------
    def testimony(self) -> Iterator[Evidence]:
        """What a person would want to see: the page as it stands, and the console."""
        yield from pictures(self.context)
        yield self.watch.console()


def pictures(context: BrowserContext) -> tuple[Evidence, ...]:
    """Each of its tabs as it stands."""
    found = []
    for tab in context.pages:
        with suppress(BrowserError):  # a tab that crashed has no picture, and the console says so
            shot = base64.b64encode(tab.screenshot(type="jpeg", quality=60, timeout=3000)).decode()
            title = f"{urlsplit(tab.url).path} as it stood"
            found.append(Evidence(title, f"data:image/jpeg;base64,{shot}", "image"))
    return tuple(found)


def address(page: Page, made: Mapping[str, object]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(made[found[1]]), page.path)


def pattern(page: Page) -> re.Pattern[str]:
    """Any address of the page; its placeholders are groups."""
    parts = re.split(r"\{(\w+)\}", page.path)
    return re.compile(
        "".join(f"(?P<{one}>[^/]+)" if i % 2 else re.escape(one) for i, one in enumerate(parts))
    )


@contextmanager
def told() -> Iterator[None]:
    """What the browser could not do, in words: the system's fault, unless the browser itself is gone."""
    try:
        yield
    except BrowserError as error:
        if any(words in error.message for words in GONE):
            raise NoBrowser(f"the browser cannot be used: {first_line(error)}") from error
        late = "in vain, " if isinstance(error, Overdue) else ""
        raise Unmet(f"{late}{first_line(error)}") from error


def first_line(error: BrowserError) -> str:
    """And what was waited for, where the call's log says so."""
    lines = [line.strip(" -") for line in error.message.splitlines() if line.strip()]
    waited = next((line for line in lines[1:] if line.startswith("waiting for")), "")
    return f"{lines[0]} {waited}".strip() if lines else type(error).__name__
