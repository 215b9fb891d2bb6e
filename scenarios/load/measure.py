"""What a load run says about each promise. Everything is counted from samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fixtures.target.bounds import Bound, Judged
from fixtures.target.objective import Objective
from reports.verdicts import Evidence, Measurement
from scenarios.load.plan import Open
from scenarios.load.records import STEP
from scenarios.load.result import LoadRun
from scenarios.load.view import View


def measure(run: LoadRun, objective: Objective, phase: str = "", asked: str = "") -> Measurement:
    """One objective over the run, or over one phase or side of it. A run that is not valid says nothing."""
    invalid = str(run.validity) if not run.validity.valid else ""
    bound = objective.that
    if bound.what not in ("throughput", "users", *RATES) and bound.judged is not Judged.PERCENTILE:
        why = (
            f"a load run cannot tell {bound.what!r}: {objective.note or 'it sees requests and answers only'}"
        )
        return Measurement(None, bound.limit.base, 0, window=run.window, why=why, invalid=invalid)
    view = run.during(phase) if phase else run.samples
    view = _over(view, objective, asked)
    value, samples, bad = _figures(run, view, bound, phase)
    why = "" if samples else f"no request of {objective.over.subject or 'this kind'} was sent"
    if short := _too_little_offered(run, view, bound, phase):
        value, why = None, short
    shown = table(view) if phase or asked or objective.over.subject else _whole_table(run)
    noted = (Evidence("the run", note) for note in run.validity.notes)
    evidence = (shown, *why_failed(run, objective.over.subject), *noted)
    return Measurement(value, bound.limit.base, samples, bad, run.window, why, invalid, evidence)


MOST_CAUSES = 12
RATES = ("error_rate", "failure_rate", "success_rate", "availability")


def _over(view: View, objective: Objective, asked: str) -> View:
    """What the objective speaks of: its endpoint, where it names one, else every request."""
    if not objective.over.subject:
        return view.of(asked=asked).requests_only()
    return view.of(endpoint_of(objective.over.subject, view.endpoints), asked)


def endpoint_of(subject: str, endpoints: Sequence[str]) -> str:
    """The endpoint that answers for a promise. Where the answer only says "queued", the scenario times the whole as a
    step of its own, under the same path; that is what the promise means."""
    path = subject.split()[-1]
    step = f"{STEP} {path}"
    return step if step in endpoints else subject


def _figures(run: LoadRun, view: View, bound: Bound, phase: str) -> tuple[float | None, int, int | None]:
    """Value, samples, and how many of those were bad."""
    count = view.count
    if bound.judged is Judged.PERCENTILE:
        bad = view.failed_or_slower(beyond_us(bound))
        return view.quantile(float(bound.what[1:]) / 100), count, bad
    if bound.judged is Judged.RATE:
        share = view.failed / count if count else None
        good = bound.upward and share is not None
        return (1 - share if good and share is not None else share), count, view.failed
    if bound.what == "users":
        model = run.plan.model
        users = model.sessions if isinstance(model, Open) else model.users
        return float(users) if count else None, count, None
    offered_rps, good_rps = _per_second(run, view, phase)
    return good_rps if offered_rps else None, count, None


def _per_second(run: LoadRun, view: View, phase: str) -> tuple[float, float]:
    """How much was offered, and how much of it was answered as it should be, while the whole rate was. Who still asks
    after the end, whether a report is there yet, is not what the system carried meanwhile."""
    begin_s, end_s = next(((one.begin_s, one.end_s) for one in run.phases if one.name == phase), _held_s(run))
    meanwhile, duration_s = view.of(between_s=(begin_s, end_s)), end_s - begin_s
    offered, failed = meanwhile.count, meanwhile.failed
    return (offered / duration_s, (offered - failed) / duration_s) if duration_s > 0 else (0.0, 0.0)


def _held_s(run: LoadRun) -> tuple[float, float]:
    """When the whole rate was asked for; all the time that there was where a run was cut short."""
    model = run.plan.model
    begin_s = model.profile.held_s[0] if isinstance(model, Open) else 0.0
    return (begin_s if begin_s < run.duration_s else 0.0, run.duration_s)


def beyond_the_load(run: LoadRun, objective: Objective) -> str:
    """Why this run cannot show it, whatever the system does: it asked for less than is promised. Empty where it can."""
    return _too_little_offered(run, _over(run.samples, objective, ""), objective.that, "")


def _too_little_offered(run: LoadRun, view: View, bound: Bound, phase: str) -> str:
    """Why nobody can tell whether as much would be carried: so much was never asked for. Users who wait (closed) ask
    for less because the system is slow, so that is the system's."""
    if bound.what != "throughput" or not isinstance(run.plan.model, Open) or not view.count:
        return ""
    offered_rps, _ = _per_second(run, view, phase)
    if offered_rps >= bound.limit.amount:
        return ""
    return f"only {offered_rps:.4g}/s were offered, and {bound.limit} is promised"


def beyond_us(bound: Bound) -> int:
    """The longest latency that still keeps the bound, in whole µs."""
    limit_us = round(bound.limit.amount * 1e6)
    return limit_us if bound.inclusive else limit_us - 1


def bounds_us(objectives: Iterable[Objective]) -> tuple[int, ...]:
    """Those that generators must count beyond, where only histograms come back."""
    found = {
        beyond_us(bound)
        for objective in objectives
        for bound in (objective.that, objective.should)
        if objective.over.kind == "load" and bound is not None and bound.judged is Judged.PERCENTILE
    }
    return tuple(sorted(found))


def table(view: View) -> Evidence:
    """Per endpoint and side: how many, how many failed, and the quantiles, for a person to read."""
    lines = [f"{'endpoint':<40} {'side':<6} {'count':>8} {'failed':>7} {'p50':>9} {'p95':>9} {'p99':>9}"]
    for endpoint in view.endpoints:
        for asked in view.asked_sides:
            part = view.of(endpoint, asked)
            if part.count:
                figures = " ".join(f"{_ms(value):>9}" for value in part.quantiles(0.5, 0.95, 0.99))
                lines.append(f"{endpoint:<40} {asked or '–':<6} {part.count:>8} {part.failed:>7} {figures}")
    return Evidence("requests by endpoint", "\n".join(lines), "table")


def why_failed(run: LoadRun, endpoint: str = "") -> list[Evidence]:
    """Why requests failed, where some did: of one endpoint, or of all."""
    lines = [
        f"{seen:>7} {where}: {why}" for seen, where, why in run.causes() if not endpoint or where == endpoint
    ]
    return [Evidence("why requests failed", "\n".join(lines[:MOST_CAUSES]), "log")] if lines else []


def _whole_table(run: LoadRun) -> Evidence:
    """Many promises are about the whole run, and show the same table."""
    if run.shown is None:
        run.shown = table(run.samples)
    return run.shown


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.1f} ms"
