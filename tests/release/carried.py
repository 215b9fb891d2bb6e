"""A release carried out on a lab as the suites carry it out, with what each promise of the profile comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from fixtures import objectives
from fixtures.lab import Lab
from fixtures.notify import notifying
from fixtures.target import Side, Target
from fixtures.target.quantities import Duration
from fixtures.target.release import Stage
from reports.release.record import Release
from reports.verdicts import Verdict
from scenarios.release.carrying import Hearers, Wish, carry_out
from scenarios.release.measure import measure
from scenarios.surroundings import Surroundings


@dataclass(frozen=True)
class Carried:
    record: Release
    verdicts: Mapping[str, Verdict]
    said: tuple[str, ...]

    def with_verdict(self, verdict: Verdict) -> set[str]:
        return {name for name, one in self.verdicts.items() if one is verdict}

    @property
    def told(self) -> str:
        return "\n".join(self.said)


def short(target: Target, switch: str = "30s") -> Target:
    """Half of the users, then all of them: what comes after the stages is as the document has it, but for how long a
    switch may take, where a test does not want to wait for that."""
    assert target.release is not None
    assert target.rollback is not None
    stage = Stage(weight=target.release.stages[-1].weight, watch=Duration.read("10m"))
    budget = target.rollback.automatic.model_copy(update={"switch": Duration.read(switch)})
    return target.model_copy(
        update={
            "release": target.release.model_copy(update={"stages": (stage,)}),
            "rollback": target.rollback.model_copy(update={"automatic_": budget}),
        }
    )


def gentle(target: Target) -> Target:
    """With stages three times as long, so that a third of the stand-in users show the same: what one core can serve."""
    assert target.release is not None
    stages = tuple(
        one.model_copy(update={"watch": Duration.read(f"{one.watch.amount * 3:g}s")})
        for one in target.release.stages
    )
    return target.model_copy(update={"release": target.release.model_copy(update={"stages": stages})})


def carried(
    lab: Lab,
    folder: Path,
    target: Target | None = None,
    wish: Wish | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Carried:
    """`say` hears each line as it is said, and each tick."""
    target, said = target or Target.load("hwayo"), list[str]()

    def hear(line: str) -> None:
        said.append(line)
        say(line)

    environment = target.environment("lab").with_facts(lab.facts)
    assert environment.pace == Fraction(1, 60)
    around = Surroundings(target, environment, Side.GREEN)
    try:
        with notifying(environment, folder.name) as notifier:
            found = carry_out(
                around,
                dataclasses.replace(wish or Wish(), lab=lab.facts["name"]),
                folder,
                Hearers(hear, notifier.tell, lambda progress: say(str(progress))),
            )
    finally:
        around.close()
    promises = [
        one for one in target.objectives.values() if one.over.kind in ("release", "probe") and one.must
    ]
    verdicts = {one.name: objectives.assess(one, measure(found, one))[0] for one in promises}
    return Carried(found, verdicts, tuple(said))
