"""Telling people, as steps: done when the message was heard where they hear it, not when it was sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reports.release.record import Notification
from reports.verdicts import Measurement
from scenarios.drills.runbook import Act

Tell = Callable[[str, str], Sequence[Notification]]  # kind; title, and after a colon more


class NotHeard(Exception):
    """A message did not reach everybody it was for; the message names them."""


def told(tell: Tell, kind: str, text: str) -> Act:
    """On every channel that there is."""

    def act() -> str:
        """Nothing, where nobody can tell whether it arrived."""
        sent = tell(kind, text)
        if not sent:
            raise NotHeard("the environment names no channel on which people are told")
        if silent := [f"{one.channel}: {one.why}" for one in sent if one.delivered is False]:
            raise NotHeard("; ".join(silent))
        if any(one.delivered is None for one in sent):
            return ""
        return f"heard on {', '.join(f'{one.channel} after {one.took_s or 0:.1f} s' for one in sent)}"

    return act


def opened(alerted: Callable[[], Measurement]) -> Act:
    """An incident: `alerted` raises an alert that opens one, and tells who had it. Raises NotHeard."""

    def act() -> str:
        seen = alerted()
        if seen.bad or seen.value is None:
            raise NotHeard(seen.why or seen.invalid or "nobody can tell who had the alert")
        return "opened: " + "; ".join(one.title for one in seen.evidence)

    return act
