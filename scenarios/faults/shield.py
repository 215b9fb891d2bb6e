"""Healing is not to be cut short: a signal that comes meanwhile is kept, and delivered afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KEPT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Outside of the main thread no signal is handled anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {one: signal.signal(one, lambda number, _: came.append(number)) for one in KEPT}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    for number in dict.fromkeys(came):
        signal.raise_signal(number)
