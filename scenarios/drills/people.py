"""Telling people, as a step: it is done when the message was heard where they hear it, not when it was sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fixtures.clock import Clock, TimedOut, wait_until
from scenarios.drills.runbook import Act

HEARD_S = 30.0


class NotHeard(Exception):
    """A message did not reach everybody it was for; the message names them."""


def told(
    send: Callable[[], None],
    heard: Callable[[], Sequence[str]],
    who: Sequence[str],
    clock: Clock | None = None,
) -> Act:
    """`heard`: the channels in which this drill's own message stands by now."""

    def act() -> str:
        send()
        try:
            took_s = wait_until(lambda: set(who) <= set(heard()), HEARD_S, clock)
        except TimedOut as late:
            silent = [one for one in who if one not in set(heard())]
            raise NotHeard(f"not heard within {HEARD_S:g} s: {', '.join(silent)}") from late
        return f"heard by {', '.join(who)} after {took_s:.1f} s"

    if not who:
        raise ValueError("nobody is to be told")
    return act
