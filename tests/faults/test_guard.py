"""A guard that sees a breach, breaks, or falls silent ends the harm; one that sees nothing lets it be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from scenarios.faults.guard import Aborted, Guard, Rules, guarded
from scenarios.faults.radius import BlastRadius
from tests.faults.harm import Harm, shelf, site, state
from tests.faults.shelf import Shelf

SOON_S = 5.0


def broken() -> str:
    raise RuntimeError("no metrics")


def silent() -> str:
    threading.Event().wait(SOON_S)
    return ""


@pytest.mark.parametrize(
    ("look", "says", "breach"),
    [
        (lambda: "9 of 10 requests failed", "the other side suffered: 9 of 10", True),
        (broken, "the guard broke: RuntimeError: no metrics", False),
        (silent, "fell silent", False),
    ],
)
def test_the_harm_is_ended_at_once_by_the_guard_itself(
    look: Callable[[], str], says: str, breach: bool, tmp_path: Path
) -> None:
    objects: Shelf = shelf()
    before, here = state(objects), site(objects, tmp_path)
    with here.inject(Harm(objects), BlastRadius()):
        guard = Guard(Rules(look, here.abort, look_s=0.02, silent_s=0.3))
        guard.start()
        wait_until(lambda: state(objects) == before, SOON_S)  # whatever the run itself is busy with
        wait_until(lambda: not here.ledger.entries(), SOON_S)
        guard.stop()
        with pytest.raises(Aborted, match=says) as raised:
            guard.must_hold()
        assert raised.value.breach is breach


def test_a_guard_that_sees_nothing_wrong_lets_it_be() -> None:
    looked, aborted = threading.Event(), threading.Event()

    def look() -> str:
        looked.set()
        return ""

    with guarded(Rules(look, aborted.set, look_s=0.01, silent_s=2.0)) as guard:
        assert looked.wait(SOON_S)
        guard.must_hold()
    assert not aborted.is_set()


def test_what_nobody_asked_for_in_between_is_raised_at_the_end() -> None:
    aborted = threading.Event()
    with pytest.raises(Aborted), guarded(Rules(lambda: "down", aborted.set, look_s=0.01)):
        assert aborted.wait(SOON_S)
