"""The stores accept connections, from where the suite runs; logs are collected, and the audit trail is kept."""

from __future__ import annotations

from collections.abc import Callable

from fixtures.probes import columns, constraints, elasticsearch, retention
from fixtures.probes.stores import Answer, cache_answers, database_accepts, where
from fixtures.target.checks import (
    AuditRetention,
    CacheAnswers,
    ColumnsEncrypted,
    ConstraintStands,
    DatabaseAccepts,
    LogsCollected,
)
from fixtures.target.quantities import Duration
from reports.figures import figure
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

RECENT_M = 5  # somebody writes a line in so many minutes, if only that they are well


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


@measures(ColumnsEncrypted)
def columns_encrypted(check: ColumnsEncrypted, around: Surroundings) -> Measurement:
    """The database counts for itself: no value is read from it, let alone shown."""
    tally = Tally("columns")
    url = around.store(check.store, around.side)
    for column in check.columns:
        with tally.looking():
            values, open_ = columns.not_of_form(url, column, check.form)
            if not values:
                tally.unseen(f"{column} of {where(url)} holds nothing yet")
                continue
            tally.saw(column)
            tally.note(Evidence(f"{column}: {values:,} values looked at", ""))
            if open_:
                tally.breaks(column, f"{open_:,} of {values:,} values are not encrypted")
    return tally.measurement()


@measures(ConstraintStands)
def constraint_stands(check: ConstraintStands, around: Surroundings) -> Measurement:
    """One that is there and was never held against the rows before it proves nothing about them."""
    tally = Tally("constraints")
    url = around.store("database", around.side)
    place = f"{check.table} of {where(url)}"
    found = constraints.of_table(url, check.table)
    tally.saw(check.constraint)
    tally.note(Evidence(f"constraints of {place}", "\n".join(map(str, found)) or "(none)"))
    ours = next((one for one in found if one.name == check.constraint), None)
    if ours is None:
        tally.breaks(check.constraint, f"{place} has no such constraint: nothing but the application refuses")
    elif ours.kind != check.kind:
        tally.breaks(check.constraint, f"is {ours.kind} on {place}, not {check.kind}")
    elif not ours.valid:
        tally.breaks(check.constraint, f"was never held against the rows that {place} had before it")
    return tally.measurement()


@measures(LogsCollected)
def logs_collected(check: LogsCollected, around: Surroundings) -> Measurement:
    """The cluster is green, and somebody still writes into it."""
    tally = Tally("log stores")
    url = around.store(check.store, around.side)
    logs, place = elasticsearch.look(url, around.ca, f"now-{RECENT_M}m"), where(url)
    tally.saw(place)
    tally.note(Evidence(f"{place}: {logs.recent:,} lines of the last {RECENT_M} minutes", logs.said))
    if logs.status != "green":
        tally.breaks(place, f"is {logs.status}, not green: {logs.said}")
    if not logs.recent and logs.status in elasticsearch.COLOURS:
        tally.breaks(place, f"has no log line of the last {RECENT_M} minutes")
    return tally.measurement()


KEEPERS = {"mongodb": retention.of_mongodb, "database": retention.of_postgresql}


@measures(AuditRetention)
def audit_retention(check: AuditRetention, around: Surroundings) -> Measurement:
    """Nothing makes entries go too early. Where nothing makes them go at all, they are kept for ever."""
    tally = Tally("audit trails")
    url = around.store(check.store, around.side)
    found, place = KEEPERS[check.store](url, check.kept_in), f"{check.kept_in} of {where(url)}"
    tally.saw(place)
    if not found:
        tally.note(
            Evidence(f"{place}: nothing makes entries go", "they are kept until somebody deletes them")
        )
    for expiry in found:
        if expiry.after_s is None:
            tally.unseen(f"{place}: {expiry.by}; after how long, its settings do not say")
            continue
        goes = f"{expiry.by} makes entries go after {figure(expiry.after_s, 's')}"
        tally.note(Evidence(f"{place}: {goes}", ""))
        if expiry.after_s < check.at_least.amount:
            tally.breaks(place, f"{goes}, where {check.at_least} is promised")
    return tally.measurement()
