"""What people do with a system in a browser. Importing this registers every journey; none of them knows a system by
name: pages, selectors and texts come from its profile."""

from __future__ import annotations

from scenarios.journeys.browser import access, everywhere, records
from scenarios.journeys.browser.registry import kinds, walk
from scenarios.journeys.browser.stroll import People
from scenarios.journeys.browser.visit import Browsing, Traces

__all__ = ["Browsing", "People", "Traces", "access", "everywhere", "kinds", "records", "walk"]
