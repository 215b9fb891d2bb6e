"""The stores accept connections, from where the suite runs."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.evidence import Unsupported
from fixtures.probes.stores import Answer, cache_answers, database_accepts, where
from fixtures.target.checks import AuditRetention, CacheAnswers, DatabaseAccepts, LogsCollected
from fixtures.target.quantities import Duration
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


@measures(DatabaseAccepts)
def database(check: DatabaseAccepts, around: Surroundings) -> Measurement:
    return _answers(around, "database", check.within, database_accepts)


@measures(CacheAnswers)
def cache(check: CacheAnswers, around: Surroundings) -> Measurement:
    return _answers(around, "cache", check.within, cache_answers)


def _answers(around: Surroundings, kind: str, within: Duration, ask: Callable[[str], Answer]) -> Measurement:
    tally = Tally("stores")
    url = around.store(kind, around.side)
    begun = around.clock.now()
    answer = ask(url)
    took_s = around.clock.now() - begun
    tally.saw(where(url))
    if answer.ok:
        tally.took(where(url), took_s)
    tally.note(Evidence(f"{kind} answered after {took_s * 1000:.0f} ms", answer.detail))
    if not answer.ok:
        tally.breaks(where(url), answer.detail)
    elif took_s > within.amount:
        tally.breaks(where(url), f"took {took_s:.2f} s to answer, where {within} is promised")
    return tally.measurement()


@measures(LogsCollected)
def logs_collected(check: LogsCollected, around: Surroundings) -> Measurement:
    raise Unsupported(around.platform, f"the logs that {check.store} keeps")


@measures(AuditRetention)
def audit_retention(check: AuditRetention, around: Surroundings) -> Measurement:
    raise Unsupported(around.platform, f"how long {check.store} keeps the audit trail")
