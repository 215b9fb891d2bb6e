"""The cache would be failed over: its sentinels agree on who is written to, and somebody could take the place."""

from __future__ import annotations

import contextlib

from fixtures.clock import TimedOut, wait_until
from fixtures.evidence import Unreachable
from fixtures.probes import sentinels
from fixtures.target.environment import Sentinels
from fixtures.target.guarded import SentinelsAgree
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings, stated
from scenarios.tally import Tally

SETTLES_S = 12.0  # a sentinel asks who follows every ten seconds


@measures(SentinelsAgree)
def sentinels_agree(check: SentinelsAgree, around: Surroundings) -> Measurement:
    """As they are when all is well, or when the patience is over."""
    told = stated(around.environment, around.environment.sentinels, "sentinels")
    tallies: list[Tally] = []

    def agreed() -> bool:
        tallies[:] = [_looked(check, told)]
        return not tallies[0].broken

    with contextlib.suppress(TimedOut):
        wait_until(agreed, SETTLES_S, around.clock, poll_s=1)
    return tallies[0].measurement()


def _looked(check: SentinelsAgree, told: Sentinels) -> Tally:
    """A sentinel that does not answer is one too few when it counts."""
    tally, words = Tally("sentinels"), list[sentinels.Word]()
    for host in told.hosts:
        tally.saw(host)
        try:
            words.append(sentinels.asked(host, told.master))
        except Unreachable as error:
            tally.breaks(host, str(error))
    for word in words:
        for why in _complaints(word, check.replicas):
            tally.breaks(word.host, why)
        tally.note(Evidence(f"{word.host} names {word.master}", "\n".join(map(str, word.followers))))
    if len(named := sorted({word.master for word in words})) > 1:
        tally.breaks(told.master, f"the sentinels name {len(named)} servers: {', '.join(named)}")
    return tally


def _complaints(word: sentinels.Word, wanted: int) -> list[str]:
    return [
        *([f"says that {word.master} is {word.ill}"] if word.ill else []),
        *([f"could not fail over: {word.quorum}"] if word.quorum else []),
        *([f"{word.knows}, where {wanted} are wanted"] if len(word.in_step) < wanted else []),
    ]
