"""From the onset of a disaster until users could read and write again for good, and what that cost them. Pure.

RTO     from the onset until the later of: the first probe was due from which none failed any more, the first write
        was sent from which all were acknowledged. Both must then have lasted (LASTING_S). Good to one interval
        between probes, and one between writes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.verdicts import Measurement
from scenarios.drills.journal import Outcome, Write
from scenarios.drills.truth import Truth
from scenarios.release.timeline import LASTING_S, Timeline

LONGEST_LATE_S = 0.5  # a prober that was held up for longer saw too little
LONGEST_BLIND_S = 5.0  # all of that, together


@dataclass(frozen=True)
class Recovery:
    """What was measured. `reads_s`, `writes_s`: seconds from the onset; None where it was not for good by the end."""

    onset_s: float
    reads_s: float | None
    writes_s: float | None
    truth: Truth
    failed_reads: int
    failed_writes: int
    probes: int  # since the onset
    blind_s: float = 0.0  # of that time: the prober itself was held up
    unread: str = ""  # why nobody knows what is gone
    may_go_unfelt: bool = False  # others stand in for what was lost, which is seen otherwise
    lasting_s: float = LASTING_S  # without a failure, to be back for good

    @property
    def rto_s(self) -> float | None:
        if self.reads_s is None or self.writes_s is None:
            return None
        return max(self.reads_s, self.writes_s)

    @property
    def is_felt(self) -> bool:
        """Whether anybody noticed: otherwise nothing was practised."""
        return bool(self.failed_reads or self.failed_writes or not self.truth.is_whole)

    def rto(self) -> Measurement:
        window = (self.onset_s, self.onset_s + (self.rto_s or 0.0))
        invalid = self._invalid()
        if self.rto_s is None:
            what = "reading" if self.reads_s is None else "writing"
            why = f"{what} had not come back for {self.lasting_s:g} s when the drill ended"
            # Not recovered is worse than any bound: infinity would be read as a missing value.
            return Measurement(None, "s", 0, why=why, invalid=invalid)
        return Measurement(self.rto_s, "s", self.probes, window=window, invalid=invalid, why=self._parts())

    def rpo(self) -> Measurement:
        truth = self.truth
        if self.unread:
            return Measurement(None, "s", 0, why=self.unread)
        if truth.rpo_s is None:
            return Measurement(
                None, "s", 0, why="no write was acknowledged before the onset", invalid=self._invalid()
            )
        why = (
            f"{len(truth.lost) + len(truth.holes)} of {len(truth.acknowledged)} acknowledged writes are gone"
        )
        return Measurement(truth.rpo_s, "s", len(truth.acknowledged), why=why, invalid=self._invalid())

    def integrity(self) -> Measurement:
        """Counted over what was acknowledged: bad is what breaks integrity, not the end that RPO is about."""
        if self.unread:
            return Measurement(None, "share", 0, why=self.unread)
        offences = self.truth.offences
        n = len(self.truth.acknowledged)
        broken = min(n, sum(int(one.split(" ", 1)[0]) for one in offences))
        value = (n - broken) / n if n else None
        why = "; ".join(offences)
        invalid = "" if offences else self._unfelt()
        return Measurement(value, "share", n, bad=broken if n else None, why=why, invalid=invalid)

    def _unfelt(self) -> str:
        if self.is_felt or self.may_go_unfelt:
            return ""
        return "nobody noticed the disaster: no read or write failed, and nothing is gone"

    def _invalid(self) -> str:
        if unfelt := self._unfelt():
            return unfelt
        if self.blind_s > LONGEST_BLIND_S:
            return f"the prober itself was held up for {self.blind_s:.1f} s"
        return ""

    def _parts(self) -> str:
        if not self.is_felt:
            return "nobody noticed: no read or write failed"
        return f"reading was back after {self.reads_s:.2f} s, writing after {self.writes_s:.2f} s"


def measure(
    truth: Truth, timeline: Timeline, writes: Sequence[Write], lasting_s: float = LASTING_S
) -> Recovery:
    onset_s = truth.cut.onset_s
    since = timeline.between(onset_s, math.inf)
    reads_s, writes_back_s = reads_back(since, onset_s, lasting_s), writes_back(writes, onset_s, lasting_s)
    until_s = onset_s + (reads_s if reads_s is not None else math.inf)
    blind_s = sum(
        min(one.to_s, until_s) - one.from_s for one in since.blind(LONGEST_LATE_S) if one.from_s < until_s
    )
    return Recovery(
        onset_s=onset_s,
        reads_s=reads_s,
        writes_s=writes_back_s,
        truth=truth,
        failed_reads=since.failed,
        failed_writes=sum(one.outcome is not Outcome.ACKNOWLEDGED for one in _since(writes, onset_s)),
        probes=since.count,
        blind_s=blind_s,
        lasting_s=lasting_s,
    )


def reads_back(since: Timeline, onset_s: float, lasting_s: float = LASTING_S) -> float | None:
    """Seconds from the onset; `since` begins there."""
    down = since.downtime()
    back_s = since.recovered_s(down[-1].to_s if down else onset_s, lasting_s)
    return None if back_s is None else max(0.0, back_s - onset_s)


def known(writes: Sequence[Write]) -> list[Write]:
    """Of those who are still writing: what was sent before the first that waits for its answer. That is no failure yet,
    and what came after it shows nothing before it has one."""
    waits_s = min((one.sent_s for one in writes if one.answered_s is None), default=math.inf)
    return [one for one in writes if one.sent_s < waits_s]


def writes_back(writes: Sequence[Write], onset_s: float, lasting_s: float = LASTING_S) -> float | None:
    """Seconds from the onset until the first write was sent from which all were acknowledged, for so long."""
    since = sorted(_since(writes, onset_s), key=lambda one: one.sent_s)
    failed = [number for number, one in enumerate(since) if one.outcome is not Outcome.ACKNOWLEDGED]
    good = since[failed[-1] + 1 :] if failed else since
    if not good or good[-1].sent_s - good[0].sent_s < lasting_s:
        return None
    return good[0].sent_s - onset_s if failed else 0.0


def _since(writes: Sequence[Write], onset_s: float) -> list[Write]:
    """Sent after the onset, or under way then."""
    return [
        one for one in writes if one.sent_s >= onset_s or one.answered_s is None or one.answered_s > onset_s
    ]
