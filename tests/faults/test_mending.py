"""What the platform puts back by itself is seen when it is there, once, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from fixtures.evidence import Unreachable
from fixtures.platforms.changes import Ref
from scenarios.faults.acts import Act, Edit, Remove
from scenarios.faults.mending import Mending
from scenarios.faults.notices import Seen
from scenarios.faults.radius import Plan
from scenarios.faults.site import Injection
from tests.faults.harm import WEB, shelf

POD = Remove(Ref("Pod", "shop", "web-1"), "77")
WHAT = "put back by the platform after killed"


@dataclass
class Killed:
    """Whole again as the answers say, one a look; None is no answer."""

    answers: list[bool | None] = field(default_factory=list)
    name: str = "killed"
    bites_s: float = 1.0
    short: str = ""
    over_s: float = 1.0

    def plan(self) -> Plan:
        raise NotImplementedError

    def effect(self) -> str:
        raise NotImplementedError

    def is_over(self) -> bool:
        answer = self.answers.pop(0)
        if answer is None:
            raise Unreachable("nobody answers")
        return answer


def injection(*acts: Act) -> Injection:
    return Injection("killed", Plan(acts, ("web-1",), 2), began=1.0, effect="gone: web-1")


def test_it_is_seen_when_it_is_whole_and_not_before_nor_again() -> None:
    seen, fault = Seen(), Killed([False, None, True, False])
    mending = Mending([(fault, injection(POD))], seen)
    mending.look()
    mending.look()
    assert seen.moments == {}
    mending.look()
    mending.look()
    assert seen.said == {WHAT: "(gone: web-1)"}
    assert fault.answers == [False]


@pytest.mark.parametrize(
    "acts", [(), (POD, Edit.plan("Deployment", shelf().objects[WEB], (("spec", "replicas"), 0)))]
)
def test_what_has_to_be_healed_is_not_put_back_by_the_platform(acts: tuple[Act, ...]) -> None:
    seen = Seen()
    Mending([(Killed(), injection(*acts))], seen).look()
    assert seen.moments == {}
