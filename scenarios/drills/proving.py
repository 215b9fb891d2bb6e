"""Steps of a drill that are proven by checks of the profile: those that a deployment is proven by, once they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fixtures import objectives
from fixtures.clock import TimedOut, wait_until
from fixtures.target.check import Check
from fixtures.target.drills import Drill
from reports.verdicts import Verdict
from scenarios import checks
from scenarios.drills.comeback import NotProven
from scenarios.drills.runbook import Act
from scenarios.surroundings import Surroundings

SETTLES_S = 60.0  # what was just begun again is scraped, and asked by others, once more
AGAIN_S = 1.0


def proofs(drill: Drill, around: Surroundings) -> Mapping[str, Act]:
    """By the names of steps."""
    known = {one.name: one for one in around.target.checks}
    return {
        step.name: proof([known[name] for name in step.checks], around) for step in drill.steps if step.checks
    }


def proof(wanted: Sequence[Check], around: Surroundings) -> Act:
    def act() -> str:
        """Raises NotProven where one of them does not hold in time."""
        left = list(wanted)
        wrong: dict[str, str] = {}

        def hold() -> bool:
            for one in tuple(left):
                verdict, wrong[one.name] = objectives.assess(one, checks.measure(one, around))
                if verdict is Verdict.PASS:
                    left.remove(one)
            return not left

        try:
            wait_until(hold, SETTLES_S, poll_s=AGAIN_S)
        except TimedOut as late:
            raise NotProven("; ".join(f"{one.name}: {wrong[one.name]}" for one in left)) from late
        return f"{', '.join(one.name for one in wanted)}: as they are to be"

    return act
