"""What holds for all defects of Machine Native Ops together."""

from __future__ import annotations

from fixtures.lab.defects import known
from fixtures.target import Check, Target

SYSTEM = "machine-native-ops"
STAGES = ("preflight", "smoke")
# What no defect of the lab fails, and who has seen it fail: tests/suites of small servers, of other systems' labs
# (test_gate), and test_outages, because no lab is as old as a mean time.
ELSEWHERE = {
    "alert-rules-valid",
    "monitoring-healthy",
    "certificate-valid",
    "cache-from-pod",
    "database-from-pod",
    "p2-reaches-people",
    "p3-reaches-people",
    "repair",
    "between-failures",
}


def test_every_defect_names_checks_of_its_stage() -> None:
    target = Target.load(SYSTEM)
    stages: dict[str, str] = {check.name: check.stage for check in target.checks}
    kinds = {
        "release": "release",
        "load": "load",
        "metric": "load",
    }  # of an indicator, and the stage that judges it
    objectives = (one for one in target.objectives.values() if one.over.kind in kinds)
    stages |= {one.name: kinds[one.over.kind] for one in objectives}
    defects = known(SYSTEM).values()
    assert len(defects) >= 15
    for defect in defects:
        assert defect.caught_by or defect.blinds, defect.name
        for name in defect.caught_by | defect.blinds | defect.also:
            assert stages[name] == defect.stage, (defect.name, name)


def test_every_check_that_the_lab_can_show_is_proven_by_a_defect() -> None:
    target = Target.load(SYSTEM)
    lab = target.environment("lab")
    shown = {
        check.name
        for check in target.checks
        if isinstance(check, Check) and check.stage in STAGES and not lab.lacks(check.name, check.parts)
    }
    caught = {name for defect in known(SYSTEM).values() for name in defect.caught_by}
    assert shown - caught == ELSEWHERE
