"""What a release and a rollback say to people: the profile's own words, filled in."""

from __future__ import annotations

from collections.abc import Mapping

from fixtures.target import Target
from fixtures.target.wording import STEPS, Wording
from reports.release import record

DRILLS = ("disaster", "manual_rollback", "automatic_rollback")  # whose steps a rollback carries out


def wording_of(target: Target) -> Wording:
    return target.release.wording if target.release else Wording()


def titles_of(target: Target) -> Mapping[str, str]:
    """The name of a step -> its title: the profile's own, else the drills', else plain English."""
    drills = (target.drills[name] for name in DRILLS if name in target.drills)
    practised = {step.name: step.title for drill in drills for step in drill.steps}
    return {**STEPS, **practised, **wording_of(target).steps}


def of_rollback(wording: Wording, found: record.Rollback) -> tuple[str, str]:
    """success or warning, and the text. §6.2.2 warns of whatever was not automatic."""
    ended = {"manual": wording.manual, "emergency": wording.emergency}.get(found.kind, wording.automatic)
    kind = "success" if found.ok and found.kind == "automatic" else "warning"
    return kind, (ended.done if found.ok else ended.failed).format(reason=found.reason)
