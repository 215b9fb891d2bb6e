"""What a release says about each promise that the profile makes over it. Everything is read from its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fixtures.target.objective import Objective
from reports.release.record import Release, Stage, Step
from reports.verdicts import Evidence, Measurement

NOTHING = "the release did not get that far: "


def measure(release: Release, objective: Objective) -> Measurement:
    """By the objective's indicator: `release zero-downtime`, `release watch-5`, `probe`, ..."""
    if objective.over.kind == "probe":
        return _probed(release, objective)
    subject = objective.over.subject or "zero-downtime"
    name, _, number = subject.rpartition("-")
    if number.isdigit() and name in OF_STAGES:
        stage = next((one for one in release.stages if round(one.weight * 100) == int(number)), None)
        return _not_reached(release) if stage is None else OF_STAGES[name](release, stage)
    if subject in OF_RELEASE:
        return OF_RELEASE[subject](release)
    if subject.startswith("rollback-"):
        return _rollback(release, subject.removeprefix("rollback-"))
    return Measurement(None, objective.that.limit.base, 0, why=f"nobody measures {objective.over}")


# --- stages ----------------------------------------------------------------------------------------------------------
def _watched(release: Release, stage: Stage) -> Measurement:
    """Promoted, rolled back, or not told; a prober that was held up meanwhile saw no release."""
    answers = int(sum(metric.points[-1].green for metric in stage.metrics if metric.points))
    decision = stage.decision
    reasons = "; ".join(decision.reasons)
    window = (stage.begun_s, stage.ended_s)
    evidence = (
        Evidence(f"{stage.name}: {decision.outcome}, by {decision.by}", "\n".join(decision.reasons)),
        Evidence("counts", _counts(stage), "table"),
        *(Evidence("what was wrong with what was read", line) for line in stage.troubles),
        *(Evidence("query", query, "query") for query in stage.queries),
    )
    if decision.outcome == "promote":
        return Measurement(0, "count", answers, 0, window, reasons, evidence=evidence)
    if decision.outcome == "roll back":
        return Measurement(1, "count", max(1, answers), 1, window, reasons, evidence=evidence)
    held_up = [one for one in release.blind if one[0] < stage.ended_s and one[1] > stage.begun_s]
    return Measurement(
        None, "count", answers, None, window, reasons, reasons if held_up else "", evidence=evidence
    )


def _counts(stage: Stage) -> str:
    lines = [f"{'metric':<28} {'green':>8} {'bad':>6} {'blue':>8} {'bad':>6} {'needed':>7}"]
    for metric in stage.metrics:
        if metric.points:
            last = metric.points[-1]
            lines.append(
                f"{metric.name:<28} {last.green:>8.0f} {last.green_bad:>6.0f} {last.blue:>8.0f} "
                f"{last.blue_bad:>6.0f} {metric.needed or 0:>7}"
            )
    return "\n".join(lines)


def _split(release: Release, stage: Stage) -> Measurement:
    del release
    if stage.split is None:
        return Measurement(None, "count", 0, why="too few probes were answered to tell how traffic is split")
    split = stage.split
    return Measurement(
        0 if split.holds else 1,
        "count",
        split.answers,
        0 if split.holds else 1,
        (stage.begun_s, stage.ended_s),
        split.said,
        evidence=(Evidence("the split", f"{split.said}; surely {split.low:.1%} to {split.high:.1%}"),),
    )


# --- the whole -------------------------------------------------------------------------------------------------------
def _downtime(release: Release) -> Measurement:
    window = (release.begun_s, release.ended_s)
    stretches = "\n".join(
        f"{one.to_s - one.from_s:.3f} s, {one.failed} probes failed: {one.during}" for one in release.downtime
    )
    if not release.weights or len(release.weights) < 2:
        return Measurement(None, "count", 0, window=window, why=NOTHING + "; ".join(release.reasons))
    return Measurement(
        float(release.failed_probes),
        "count",
        release.probes,
        release.failed_probes,
        window,
        stretches.replace("\n", "; "),
        _held_up(release),
        (Evidence("downtime", stretches or "no probe failed"),),
    )


def _held_up(release: Release) -> str:
    if not release.blind:
        return ""
    longest_s = max(to_s - from_s for from_s, to_s in release.blind)
    return f"the prober itself was held up {len(release.blind)} times, {longest_s:.1f} s at worst"


def _probed(release: Release, objective: Objective) -> Measurement:
    """Availability by counting probes, downtime by adding up the stretches in which they failed."""
    window = (release.begun_s, release.ended_s)
    n, bad = release.probes, release.failed_probes
    if objective.that.limit.base == "s":
        total_s = sum(one.to_s - one.from_s for one in release.downtime)
        return Measurement(total_s, "s", n, None, window, invalid=_held_up(release))
    return Measurement(1 - bad / n if n else None, "share", n, bad, window, invalid=_held_up(release))


def _created(release: Release) -> Measurement:
    if not release.created:
        return Measurement(None, "count", 0, why="nobody looked how green came to be")
    return _steps(release.created)


def _old(release: Release) -> Measurement:
    if not release.cleaned:
        return _not_reached(release)
    return _steps(release.cleaned)


def _restored(release: Release) -> Measurement:
    found = release.restored
    if found is None:
        return Measurement(None, "count", 0, why="the release stays where it is")
    bad = 0 if found.ok else 1
    return Measurement(bad, "count", 1, bad, why=found.said)


def _notified(release: Release) -> Measurement:
    told = release.notifications
    bad = [one for one in told if one.delivered is False]
    unknown = [one for one in told if one.delivered is None]
    why = "; ".join(f"{one.channel}: {one.why}" for one in (*bad, *unknown)) or "nobody was told anything"
    evidence = tuple(Evidence(f"{one.channel}: {one.kind}", one.text) for one in told)
    if not told or (unknown and not bad):
        return Measurement(None, "count", 0, why=why, evidence=evidence)
    return Measurement(len(bad), "count", len(told), len(bad), why=why if bad else "", evidence=evidence)


# --- back ------------------------------------------------------------------------------------------------------------
def _rollback(release: Release, name: str) -> Measurement:
    """How long a step of it, or all of it (`total`), or everything from the first bad answer on (`anyhow`) took."""
    found = release.rollback
    if found is None:
        return Measurement(None, "s", 0, why="nothing was rolled back")
    evidence = (Evidence("steps", "\n".join(map(_told, found.steps)), "table"), Evidence("why", found.reason))
    if name == "anyhow":
        since_s = found.onset_s if found.onset_s is not None else found.decided_s
        took_s = None if found.last_green_s is None else found.last_green_s - since_s
        why = "" if took_s is not None else "green's last answer was never seen"
        return Measurement(took_s, "s", 1 if took_s is not None else 0, why=why, evidence=evidence)
    if name == "total":
        wrong = "; ".join(f"{step.title}: {step.said}" for step in found.steps if step.ok is False)
        return Measurement(found.took_s, "s", 1, why=wrong, evidence=evidence)
    step = next((one for one in found.steps if one.name == name and one.took_s is not None), None)
    if step is None:
        missing = f"the {found.kind} rollback had no such step: {found.reason}"
        return Measurement(None, "s", 0, why=missing, evidence=evidence)
    # What was not achieved has no time; that it was not is the business of the objective over the whole.
    was_late = step.budget_s is not None and step.took_s is not None and step.took_s > step.budget_s
    took_s = step.took_s if step.ok or was_late else None
    return Measurement(took_s, "s", 1 if took_s is not None else 0, why=step.said, evidence=evidence)


def _complete(release: Release) -> Measurement:
    """That every step of it came to a good end."""
    if release.rollback is None:
        return Measurement(None, "count", 0, why="nothing was rolled back")
    return _steps(release.rollback.steps)


def _steps(steps: tuple[Step, ...]) -> Measurement:
    carried_out = [one for one in steps if one.ok is not None]
    bad = [one for one in carried_out if not one.ok]
    why = "; ".join(f"{one.title}: {one.said}" for one in bad)
    evidence = (Evidence("steps", "\n".join(map(_told, steps)), "table"),)
    return Measurement(len(bad), "count", len(carried_out), len(bad), why=why, evidence=evidence)


def _told(step: Step) -> str:
    took = "–" if step.took_s is None else f"{step.took_s:.2f} s"
    budget = "" if step.budget_s is None else f" of {step.budget_s:g} s"
    return f"{step.title:<16} {took:>9}{budget:<10} {step.said}"


def _not_reached(release: Release) -> Measurement:
    return Measurement(None, "count", 0, why=NOTHING + "; ".join(release.reasons))


OF_STAGES: Mapping[str, Callable[[Release, Stage], Measurement]] = {"watch": _watched, "split": _split}
OF_RELEASE: Mapping[str, Callable[[Release], Measurement]] = {
    "zero-downtime": _downtime,
    "created": _created,
    "old-environment": _old,
    "restored": _restored,
    "notified": _notified,
    "rollback": _complete,
}
