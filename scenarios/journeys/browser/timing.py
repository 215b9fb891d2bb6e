"""How long a page takes, in the browser's own clock: to its load event, to its largest paint, to its data."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace

from playwright.sync_api import BrowserContext, CDPSession
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page as Tab

from scenarios.journeys.browser.visit import told
from scenarios.journeys.walk import Unmet

# Runs before the page's own scripts, outside of its content security policy. It only listens.
LISTEN = """(ready) => {
  const seen = { lcp_ms: null, ready_ms: null };
  const listener = { seen, painted: Promise.resolve() };
  Object.defineProperty(window, "__verdigris", { value: listener });
  if (PerformanceObserver.supportedEntryTypes.includes("largest-contentful-paint"))
    listener.painted = new Promise((resolve) => {
      const note = (list) => { for (const entry of list.getEntries()) seen.lcp_ms = entry.startTime; resolve(); };
      new PerformanceObserver(note).observe({ type: "largest-contentful-paint", buffered: true });
    });
  const look = () => {
    if (!document.querySelector(ready)) return;
    seen.ready_ms = performance.now();
    watch.disconnect();
  };
  const watch = new MutationObserver(look);
  watch.observe(document, { subtree: true, childList: true, attributes: true });
}"""
# Something has been painted, and two frames later what was painted last has been reported too. A page that paints
# nothing is not waited for.
READ = """async () => {
  const { seen, painted } = window.__verdigris;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  await Promise.race([painted.then(frame).then(frame).then(() => pause(0)), pause(500)]);
  const [navigation] = performance.getEntriesByType("navigation");
  return { ...seen, first_byte_ms: navigation.responseStart, load_ms: navigation.loadEventEnd };
}"""


@dataclass(frozen=True)
class Load:
    """One load of a page, in seconds from the navigation's start. None: the browser did not tell."""

    fresh: bool = False  # the first of its context: new connection, new process
    first_byte_s: float | None = None
    load_s: float | None = None
    lcp_s: float | None = None
    ready_s: float | None = None
    failed: str = ""  # why it never came up whole
    waited_s: float = 0.0  # until it was given up, where it failed

    @property
    def took_s(self) -> float:
        """Until the last of load event, largest paint and data; for one that failed, as long as it was waited for."""
        seen = [one for one in (self.load_s, self.lcp_s, self.ready_s) if one is not None]
        return max([self.waited_s, *seen]) if self.failed else max(seen, default=self.waited_s)


def timed(tab: Tab, address: str, ready: str, patience_s: float) -> Load:
    """Load a page whose context is listened to. What does not come up in that time has failed."""
    begun = time.monotonic()

    def left_ms() -> float:
        return max(1.0, (patience_s - (time.monotonic() - begun)) * 1000)

    try:
        with told():
            answer = tab.goto(address, wait_until="load", timeout=left_ms())
            if answer is not None and answer.status >= 400:
                raise Unmet(f"{address} answered {answer.status}")
            tab.locator(ready).wait_for(state="attached", timeout=left_ms())
            seen: dict[str, float | None] = tab.evaluate(READ)
    except Unmet as error:
        return Load(failed=str(error), waited_s=time.monotonic() - begun)
    return Load(
        first_byte_s=_seconds(seen["first_byte_ms"]),
        load_s=_seconds(seen["load_ms"]),
        lcp_s=_seconds(seen["lcp_ms"]),
        ready_s=_seconds(seen["ready_ms"]),
    )


def _seconds(ms: float | None) -> float | None:
    """The browser says 0 of what has not been."""
    return ms / 1000 if ms else None


class Cold:
    """One context of the browser, in which every load is a cold one: its cache is emptied before each.

    One load follows the other without an empty page between: that would cost a fifth of the time, and shield the page
    from nothing but its own unloading, which a user who reloads it waits for too.
    """

    def __init__(self, context: BrowserContext, ready: str) -> None:
        self.context = context
        self._ready = ready
        self._loads = 0
        context.add_init_script(f"({LISTEN})({json.dumps(ready)})")
        self._tab = context.new_page()
        self._session = self._devtools()

    @property
    def can_be_used_again(self) -> bool:
        return self._session is not None

    def load(self, address: str, patience_s: float) -> Load:
        if self._session is not None and self._loads:
            self._session.send("Network.clearBrowserCache")
        self._loads += 1
        return replace(timed(self._tab, address, self._ready, patience_s), fresh=self._loads == 1)

    def _devtools(self) -> CDPSession | None:
        """Only Chromium can be told to forget its cache."""
        try:
            session = self.context.new_cdp_session(self._tab)
        except BrowserError:
            return None
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        return session
