"""What a target's experiments would touch, and whether they would be let: read, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.evidence import NoEvidence
from fixtures.platforms.abilities import able
from fixtures.platforms.changes import Changes
from fixtures.target.experiment import Experiment
from scenarios.faults.catalogue import made
from scenarios.faults.radius import BlastRadius, Forbidden
from scenarios.surroundings import Surroundings


def radius_of(experiment: Experiment) -> BlastRadius:
    return BlastRadius(experiment.at_most, experiment.share.amount if experiment.share else 1.0)


def rehearsed(around: Surroundings) -> Iterator[tuple[Experiment, str, bool]]:
    """Every experiment, what it would do in words, and whether it could."""
    for experiment in around.target.checks:
        if isinstance(experiment, Experiment):
            said, could = [], True
            for order in experiment.faults:
                try:
                    plan = made(order, around).plan()
                    said.append(f"{order.fault}\n{plan.text}")
                    radius_of(experiment).admit(plan, able(around.platform, Changes))
                except (Forbidden, NoEvidence) as error:
                    said.append(f"  REFUSED: {error}")
                    could = False
            yield experiment, "\n".join(said), could
