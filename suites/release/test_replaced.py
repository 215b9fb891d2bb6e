"""The new version takes the old one's place as the document has it, works, and can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.notify import notifying
from fixtures.objectives import assess
from fixtures.plugin import gate_of, target_of
from fixtures.release_options import ReleaseOptions
from fixtures.session.judge import Judge, Promise
from fixtures.session.outcomes import Judged
from fixtures.session.terminal import saying
from fixtures.target.replacement import Replacement
from reports.chaos import page
from reports.verdicts import Evidence, Measurement
from scenarios.release.replaced import Wanted, carry_out
from scenarios.release.replacing import folder_of
from scenarios.surroundings import Surroundings

pytestmark = pytest.mark.release


@pytest.mark.timeout(7200)
def test_containers_are_replaced(
    check: Replacement,
    surroundings: Surroundings,
    asked: ReleaseOptions,
    judge: Judge,
    pytestconfig: pytest.Config,
) -> None:
    """Backed up, told, replaced, migrated, verified, watched; and back, unless it is to stay."""
    judge.here(check)
    if asked.observe:
        judge(
            check,
            Measurement(None, "", 0, why="a replacement that somebody else carries out cannot be followed"),
        )
    gate, environment = gate_of(pytestconfig), surroundings.environment
    folder = folder_of(gate.options.folder, check)
    keep = asked.keep if asked.keep is not None else not environment.embedded
    with notifying(environment, gate.options.folder.name) as notifier:
        wanted = Wanted(folder, gate.options.lab, keep, saying(pytestconfig), notifier.tell)
        found = carry_out(surroundings, check, wanted)
    seen = found.judged(check)
    page.write(found.told(check, *assess(check, seen)), folder, gate.redactor)
    where = folder.relative_to(gate.options.folder) / page.NAME
    shown = Evidence("How it went", str(where), "file")
    promised = [one for one in target_of(pytestconfig).objectives.values() if one.over.kind == "probe"]
    failed = list[Judged]()
    judging: list[tuple[Promise, Measurement]] = [
        (check, seen),
        *((one, found.available()) for one in promised),
    ]
    for promise, measured in judging:
        try:
            judge(promise, replace(measured, evidence=(*measured.evidence, shown)))
        except Judged as error:  # the others are judged all the same
            failed.append(error)
    if failed:
        raise failed[0]
