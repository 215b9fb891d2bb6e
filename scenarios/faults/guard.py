"""Watches the side that nobody harms while the other is harmed: a breach, an error or a silence ends the harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LOOK_S = 0.5
SILENT_S = 5.0
Look = Callable[[], str]  # what is wrong with the other side; empty where nothing is


class Aborted(Exception):
    """The experiment was ended by its guard, and everything healed. `breach`: the other side suffered."""

    def __init__(self, why: str, breach: bool) -> None:
        super().__init__(why)
        self.breach = breach


@dataclass(frozen=True)
class Rules:
    look: Look
    abort: Callable[[], object]  # heals, from whatever thread, as often as it is called
    look_s: float = LOOK_S
    silent_s: float = SILENT_S


class Guard:
    """Two threads: one looks; the other aborts when it sees something, breaks, or has not come back for too long."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._over = threading.Event()
        self._seen = time.monotonic()
        self._why: Aborted | None = None
        threads = (self._look, self._watch)
        self._threads = [threading.Thread(target=one, daemon=True) for one in threads]

    def must_hold(self) -> None:
        """Raises Aborted."""
        if self._why is not None:
            raise self._why

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        self._threads[1].join()

    def _look(self) -> None:
        while not self._over.wait(self._rules.look_s) and self._why is None:
            try:
                wrong = self._rules.look()
            except Exception as error:  # noqa: BLE001 - a guard that breaks guards nothing: it fails closed
                self._end(Aborted(f"the guard broke: {type(error).__name__}: {error}", breach=False))
                return
            if wrong:
                self._end(Aborted(f"the other side suffered: {wrong}", breach=True))
                return
            self._seen = time.monotonic()

    def _watch(self) -> None:
        while not self._over.wait(self._rules.look_s / 2) and self._why is None:
            silent_s = time.monotonic() - self._seen
            if silent_s > self._rules.silent_s:
                self._end(Aborted(f"the guard fell silent for {silent_s:.1f} s", breach=False))

    def _end(self, why: Aborted) -> None:
        if self._why is None and not self._over.is_set():
            self._why = why
            self._rules.abort()


@contextmanager
def guarded(rules: Rules) -> Iterator[Guard]:
    """Raises Aborted at its end, where nobody did before."""
    guard = Guard(rules)
    guard.start()
    try:
        yield guard
    finally:
        guard.stop()
    guard.must_hold()
