"""Listens to Locust's request event and keeps every sample; knows what is in flight. Lives in a generator's process."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from reports.baseline.histogram import Histogram, bucket
from scenarios.load.records import LONGEST_US, Names, Outcome, Record, mark

CONTEXT = "verdigris"
MOST_CAUSES, CAUSE_LENGTH = 50, 120
Write = Callable[[Record], None]


class Ticket(NamedTuple):
    """A request that is on its way."""

    due_ns: int
    start_ns: int
    asked: int
    task: Hashable  # whose first request it is; None of later ones


class Recorder:
    """Turns events into records. Until `begin`, nothing counts: logging in is not what is measured."""

    def __init__(self, write: Write, names: Names, served_header: str) -> None:
        self._write = write
        self._names = names
        self._header = served_header
        self._endpoints: dict[tuple[str, str], int] = {}
        self._zero_ns: int | None = None
        self.in_flight: dict[int, Ticket] = {}
        self.known: dict[Hashable, str] = {}  # the endpoint that a task was first seen to ask for
        self.done = 0
        self.failed = 0
        self.recent: dict[int, int] = {}  # buckets of what was answered since the last look
        self.lateness = Histogram()
        self.causes: dict[tuple[str, str], int] = {}  # (endpoint, why) -> how often, of failures
        # The side that is asked by whoever reports a step of their own.
        self.whose: Callable[[], int] = lambda: 0

    def begin(self, zero_ns: int) -> None:
        """From here on, everything counts; due times are from this moment (monotonic clock)."""
        self._zero_ns = zero_ns

    # --- what users report -------------------------------------------------------------------------------------------
    def sent(self, due_ns: int, asked: int, task: Hashable = None) -> dict[str, Any]:
        """Called when a request is about to go out; what it returns travels with it to `heard`. Due 0: now."""
        start_ns = time.monotonic_ns()
        ticket = Ticket(due_ns or start_ns, start_ns, asked, task)
        self.in_flight[id(ticket)] = ticket
        return {CONTEXT: ticket}

    def heard(
        self,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int,
        context: Mapping[str, Any] | None = None,
        exception: object = None,
        response: Any = None,
        **_: object,
    ) -> None:
        """Locust's request event. What comes without our context is a step of the scenario's own."""
        ticket = context.get(CONTEXT) if context else None
        took_us = int(response_time * 1000)
        if ticket is None:
            now_ns = time.monotonic_ns()
            outcome = Outcome.REFUSED if exception else Outcome.OK
            endpoint = self._names.endpoint(f"{request_type} {name}", step=True)
            marked = mark(outcome, self.whose(), 0)
            self._keep(Record(now_ns - took_us * 1000, 0, took_us, 0, 0, endpoint, marked))
            return
        due_ns, start_ns, asked, task = ticket
        status, served = _answer(response, self._header)
        outcome = _outcome(status, exception)
        key = (request_type, name)
        endpoint = self._endpoints.get(key, -1)
        if endpoint < 0:
            endpoint = self._endpoints[key] = self._names.endpoint(f"{request_type} {name}")
        if task is not None and task not in self.known:
            self.known[task] = f"{request_type} {name}"
        if outcome:
            self._because(f"{request_type} {name}", status, exception)
        late_us = max(0, start_ns - due_ns) // 1000
        marked = mark(outcome, asked, self._names.served_side(served))
        size = int(response_length or 0)
        self._keep(Record(due_ns, late_us, late_us + took_us, size, status, endpoint, marked))
        # Last, because Locust swallows what a listener raises: what was not kept must not look as if it had ended.
        del self.in_flight[id(ticket)]

    # --- what the generator reports ----------------------------------------------------------------------------------
    def late(self, late_ns: int) -> None:
        """How much later than due the generator came round to something."""
        self.lateness.add(max(0, late_ns) // 1000)

    def lost(self, ticket: Ticket, outcome: Outcome) -> None:
        """A request that never came to an end: dropped, unfinished or broken. As long as it has lasted by now."""
        due_ns, _, asked, task = ticket
        own = f"task {getattr(task, '__name__', 'unknown')}"
        endpoint = own if outcome is Outcome.BROKEN else self.known.get(task, own)
        lasted_us = max(0, time.monotonic_ns() - due_ns) // 1000
        number = self._names.endpoint(endpoint, step=outcome is Outcome.BROKEN)
        self._keep(Record(due_ns, 0, lasted_us, 0, 0, number, mark(outcome, asked, 0)))

    def _because(self, endpoint: str, status: int, exception: object) -> None:
        """Why something failed, for a person: what the scenario's check said, else the status, else the error."""
        if self._zero_ns is None:
            return
        said = (
            str(exception) if type(exception).__name__ == "CatchResponseError" else type(exception).__name__
        )
        why = said if exception is not None and (not status or " " in said) else f"status {status}"
        key = (endpoint, why[:CAUSE_LENGTH])
        if key in self.causes or len(self.causes) < MOST_CAUSES:
            self.causes[key] = self.causes.get(key, 0) + 1

    def _keep(self, record: Record) -> None:
        if self._zero_ns is None:
            return
        marked, latency_us = record.mark, min(record.latency_us, LONGEST_US)
        self.done += 1
        if marked & 7:
            self.failed += 1
        if (marked & 7) <= Outcome.REFUSED:
            index = bucket(latency_us)
            self.recent[index] = self.recent.get(index, 0) + 1
        late_us, size = min(record.late_us, LONGEST_US), min(record.size, LONGEST_US)
        due_ns = record.due_ns - self._zero_ns
        self._write(Record(due_ns, late_us, latency_us, size, record.status, record.endpoint, marked))


def _outcome(status: int, exception: object) -> Outcome:
    if not status:
        return Outcome.UNANSWERED
    if exception is None:
        return Outcome.OK
    return Outcome.ERROR if status >= 500 else Outcome.REFUSED


def _answer(response: Any, header: str) -> tuple[int, str]:
    """The status, 0 where nobody answered, and who says to have served it."""
    headers = getattr(response, "headers", None)
    if headers is None:
        return 0, ""
    return int(response.status_code or 0), str(headers.get(header) or "")
