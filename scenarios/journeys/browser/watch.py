"""Listens to a browser's context: who answered, what was refused, what its scripts and its console complain of."""

from __future__ import annotations

import time
from collections.abc import Container
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

from fixtures.target import Environment, Side
from reports.verdicts import Evidence

LINES_KEPT = 200
# The console's words for an answer of 400 or more, which is listened to by itself, with more to say of it.
REFUSED = "Failed to load resource"
LEFT = "net::ERR_ABORTED"  # the page was left before the answer came


class Watch:
    """Everything from its making on. Handlers only note: the browser waits for them."""

    def __init__(self, context: BrowserContext, environment: Environment, side: Side) -> None:
        self.script_errors: list[str] = []
        self.complaints: list[str] = []  # what the console calls an error, besides refused requests
        self.refused: list[tuple[int, str]] = []  # status of 400 or more, and the request
        self.failed: list[str] = []  # requests without an answer
        self.impostors: dict[str, None] = {}  # answers that did not come from our side
        self.answers = 0
        self._lines: list[str] = []
        self._begun = time.monotonic()
        self._origin = origin(environment.entry or "")
        header = environment.served.side
        self._proofs = {
            header: True,
            header.replace("served", "upstream"): False,
        }  # header -> whether it must be there
        self._side = side
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)
        context.on("console", self._said)
        context.on("weberror", self._threw)

    def faults(self, expected: Container[int] = ()) -> list[str]:
        """What no page should do; statuses that the journey provoked itself are `expected`."""
        return [
            *(f"script error: {one}" for one in self.script_errors),
            *(f"the console says: {one}" for one in self.complaints),
            *(
                f"{request} was answered {status}"
                for status, request in self.refused
                if status not in expected
            ),
            *(f"{one}" for one in self.failed),
            *self.impostors,
        ]

    def console(self) -> Evidence:
        """The console, and what went wrong between its lines."""
        return Evidence("the browser's console", "\n".join(self._lines[-LINES_KEPT:]) or "nothing", "log")

    def _answered(self, response: Response) -> None:
        if origin(response.url) != self._origin:
            return
        self.answers += 1
        what = f"{response.request.method} {urlsplit(response.url).path}"
        for header, needed in self._proofs.items():
            served = response.headers.get(header, "")
            if served != self._side and (served or needed):
                by = (
                    f"by {served}, not by {self._side}"
                    if served
                    else f"by nobody knows whom: without {header}"
                )
                self.impostors.setdefault(f"{what} was answered {by}")
        if response.status >= 400:
            self.refused.append((response.status, what))
            self._note("answer", f"{response.status} {what}")

    def _failed(self, request: Request) -> None:
        why = request.failure or "failed"
        what = f"{request.method} {urlsplit(request.url).path}: {why}"
        self._note("request", what)
        if why != LEFT and origin(request.url) == self._origin:
            self.failed.append(what)

    def _said(self, message: ConsoleMessage) -> None:
        self._note(message.type, message.text)
        if message.type == "error" and not message.text.startswith(REFUSED):
            self.complaints.append(message.text + where(message.page))

    def _threw(self, error: WebError) -> None:
        what = f"{error.error.name or 'Error'}: {error.error.message}{where(error.page)}"
        self._note("uncaught", error.error.stack or what)
        if what not in self.script_errors:
            self.script_errors.append(what)

    def _note(self, kind: str, text: str) -> None:
        self._lines.append(f"{time.monotonic() - self._begun:7.2f} s  {kind:<8} {text}")


def where(page: Page | None) -> str:
    return f" on {urlsplit(page.url).path}" if page else ""


def origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
