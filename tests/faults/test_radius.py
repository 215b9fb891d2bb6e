"""Default deny: what has not opted in is not touched, what selects nobody is an error, and caps hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.platforms.changes import Ref
from scenarios.faults.acts import Make
from scenarios.faults.radius import BlastRadius, EmptyBlastRadius, Forbidden, Plan
from tests.faults.harm import DENY, shelf


def making(ref: Ref) -> Plan:
    return Plan((Make(ref, {}),), ("a",), 1)


@pytest.mark.parametrize(
    ("radius", "plan", "says"),
    [
        (BlastRadius(), Plan((), ("web-1",), 2), "nothing matches"),
        (BlastRadius(), Plan((Make(DENY, {}),), (), 0), "nothing matches"),
        (BlastRadius(at_most=1), Plan((Make(DENY, {}),), ("a", "b"), 2), "at most 1 may"),
        (BlastRadius(at_most=9, share=0.5), Plan((Make(DENY, {}),), ("a", "b"), 3), "at most 50% may"),
        (
            BlastRadius(),
            Plan((Make(replace(DENY, namespace="other"), {}),), ("a",), 1),
            "Namespace other: not labelled",
        ),
        (
            BlastRadius(),
            Plan((Make(replace(DENY, namespace="none"), {}),), ("a",), 1),
            "Namespace none: not labelled",
        ),
        (BlastRadius(), making(Ref("Node", "", "n1")), "Node n1: not labelled"),
    ],
)
def test_what_is_not_opened_is_closed(radius: BlastRadius, plan: Plan, says: str) -> None:
    with pytest.raises(Forbidden, match=says) as raised:
        radius.admit(plan, shelf())
    assert isinstance(raised.value, EmptyBlastRadius) is says.startswith("nothing")
