"""Stores that a keeper of the lab's keeps running, as the lab's supervisor has it, without the rest of a lab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fixtures.lab.keeper import Keeper
from fixtures.lab.layout import Layout
from fixtures.lab.process import Part

ENDS_S = 20.0


@contextmanager
def kept(name: str, part: Callable[[str], Part], layout: Layout) -> Iterator[Path]:
    """While it is looked after; the file of its orders."""
    for folder in (layout.logs, layout.order(name).parent):
        folder.mkdir(parents=True, exist_ok=True)
    keeper, over = Keeper(name, part, layout), threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            keeper.look()

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield layout.order(name)
    finally:
        over.set()
        looking.join(ENDS_S)
        keeper.running.stop()
