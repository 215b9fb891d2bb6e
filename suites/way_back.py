"""What --on-fail rollback does once a gate has failed: users who are on green go back to blue, timed and judged."""

from __future__ import annotations

import time

from fixtures import objectives
from fixtures.notify import notifying
from fixtures.objectives import Occasion
from fixtures.session.gate import Gate
from fixtures.target import Environment, Side
from reports.verdicts import Verdict
from scenarios.release.back import take_back
from scenarios.release.carrying import Hearers
from scenarios.release.measure import measure
from scenarios.release.rollback import Why
from scenarios.surroundings import Surroundings


def take_back_where_it_failed(gate: Gate, environment: Environment) -> None:
    """What it came to stands among the run's findings."""
    failed = [one for one in gate.recorder.findings if one.gates and one.verdict is Verdict.FAIL]
    if not failed:
        return
    target = gate.options.target
    around = Surroundings(target, environment, Side.GREEN)
    folder = gate.options.folder / "rollback"
    why = Why(f"the gate failed: {failed[0].title}: {failed[0].reason}", time.time())
    try:
        with notifying(environment, f"{gate.options.id}-rollback") as notifier:
            found = take_back(around, why, folder, Hearers(print, notifier.tell))
    finally:
        around.close()
    if found.rollback is None:
        return
    for promise in target.objectives.values():
        if promise.over.kind == "release" and promise.over.subject.startswith("rollback"):
            occasion = Occasion(str(Side.GREEN), promise.over.subject)
            gate.recorder.add(objectives.finding(promise, measure(found, promise), occasion))
