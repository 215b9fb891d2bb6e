"""One run at a time holds drills in a place; whoever comes next ends what one that was killed had begun."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from fixtures.evidence import NoEvidence
from fixtures.notify import notifying
from fixtures.target import Environment
from fixtures.target.drills import Everything
from reports.release.record import Notification
from scenarios.drills.journal import Clock
from scenarios.drills.practice import Practice
from scenarios.drills.practices import Scene
from scenarios.faults.place import Place
from scenarios.faults.site import Site
from scenarios.faults.standing import standing
from scenarios.surroundings import Surroundings


class AnotherHolds(Exception):
    """Somebody else holds drills here at this moment."""


class NotHealed(Exception):
    """What was begun is not ended everywhere; the message names each, and what was."""


@contextmanager
def alone(note: Path) -> Iterator[None]:
    """`note`: the file of whoever holds a drill. Raises AnotherHolds."""
    note.parent.mkdir(parents=True, exist_ok=True)
    with note.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnotherHolds(f"another run holds drills here: {note.with_suffix('.lock')}") from error
        yield


def note_of(environment: Environment, place: Place) -> Path:
    """Beside the orders of the server that may be lost, where whoever comes next finds it, from whatever checkout."""
    for server in (environment.servers.database, environment.servers.cache):
        if server is not None:
            orders = Path(server.orders)
            return orders.with_name(f"{orders.stem}-drill.json")
    return Path(f"{place.folder}-drill.json")


@contextmanager
def alone_on(around: Surroundings, lab: str) -> Iterator[Scene]:
    """Where drills are held by nobody else meanwhile. Raises AnotherHolds."""
    place = Place.of(around.target.system, around.environment, lab)
    note = note_of(around.environment, place)
    with ExitStack() as stack:
        stack.enter_context(alone(note))

        @cache
        def site() -> Site:
            return stack.enter_context(standing(place))

        def tell(kind: str, text: str) -> Sequence[Notification]:
            with notifying(around.environment, f"drill-{time.time_ns():x}") as notifier:
                return notifier.tell(kind, text)

        yield Scene(around, site, note, Clock(), tell)


def healed(scene: Scene) -> list[str]:
    """What earlier runs began is ended: what was done, drill by drill. What this environment lacks was never begun.

    Each, whatever becomes of the others; where all was lost at once, that is ended first. Raises NotHealed."""
    drills = scene.around.target.drills.values()
    done, failed = [], []
    for drill in sorted(drills, key=lambda one: not isinstance(one.loses, Everything)):
        try:
            practice = scene.practice(drill)
        except NoEvidence:
            continue
        try:
            said = practice.heal()
        except Exception as error:  # noqa: BLE001 - users may wait for the next
            failed.append(f"{drill.title}: {type(error).__name__}: {error}")
            continue
        if said:
            done.append(f"{drill.title}: {said}")
    if failed:
        raise NotHealed("; ".join([*failed, *done]))
    return done


@contextmanager
def ended(practice: Practice) -> Iterator[None]:
    """However a drill ends, also where a step of it failed: what it began is ended."""
    practice.heal()
    try:
        yield
    finally:
        practice.heal()
