"""How long an experiment may take: by what its row allows, so that one that takes too long ends in a verdict that says
so, and is not cut off before."""

from __future__ import annotations

from fixtures.target import Environment, Target
from fixtures.target.experiment import Experiment
from scenarios.faults.experiment import holds_s
from scenarios.release.terms import longest_s as release_longest_s
from scenarios.release.terms import terms_of

# What no row states: who asks and is counted comes, all is steady, a fault bites, concludes, and is out.
AROUND_S = 900.0


def longest_s(experiment: Experiment, target: Target, environment: Environment) -> float:
    """At most, from when it begins until it is judged. Raises Missing where its release cannot be told."""
    noticed_s = max((one.within.seconds for one in experiment.notices), default=0.0)
    counted_s = experiment.amplified.over.seconds if experiment.amplified else 0.0
    allowed_s = noticed_s + holds_s(experiment) + 2 * counted_s + experiment.recovers.within.seconds
    if experiment.rolls_back and target.rollback:
        allowed_s += target.rollback.automatic.total.seconds
    if experiment.released:
        allowed_s += release_longest_s(terms_of(target, environment))
    return AROUND_S + allowed_s
