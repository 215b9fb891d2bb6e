"""Users are moved by weights alone, taken back as they were, and a canary that goes on beside is not undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from fixtures.evidence import Missing
from fixtures.platforms.changes import Ref
from fixtures.target.faults import Canary
from scenarios.faults.canary import Canaried
from scenarios.faults.catalogue import made
from scenarios.faults.radius import BlastRadius
from tests.faults import small
from tests.faults.small import SPACE, Cluster, On

BLUE = "hwayo-production"
ROUTE = Ref("VirtualService", BLUE, "canary")
ORDER = {"fault": "canary", "service": "auth-service", "share": "5%"}
ORDERED = TypeAdapter(Canary).validate_python(ORDER)
RADIUS = BlastRadius(at_most=2)


def to(space: str, weight: int) -> dict[str, Any]:
    return {"destination": {"host": f"api-gateway.{space}.svc.cluster.local"}, "weight": weight}


def cluster() -> Cluster:
    found = Cluster()
    found.put(Ref("Namespace", "", BLUE), metadata={"labels": {"verdigris.dev/chaos": "allowed"}})
    by_header = {"match": [{"headers": {"canary": {"exact": "true"}}}], "route": [to(SPACE, 100)]}
    found.put(ROUTE, spec={"http": [by_header, {"route": [to(BLUE, 100), to(SPACE, 0)]}]})
    return found


def weights(objects: Cluster) -> list[int]:
    found = objects.read_object(ROUTE)
    assert found is not None
    return [one["weight"] for one in found["spec"]["http"][1]["route"]]


class Seen(Canaried):
    """Users are served as the weights say."""

    def served(self) -> int:
        (found,) = self.objects.list_objects("VirtualService")
        return int(found["spec"]["http"][1]["route"][1]["weight"])


class Left(Seen):
    """Users are where somebody else has them."""

    def is_over(self) -> bool:
        return True


def test_users_are_moved_and_taken_back(tmp_path: Path) -> None:
    objects = cluster()
    with small.site(objects, {}, tmp_path).inject(Seen(ORDERED, On(objects, {})), RADIUS) as injection:
        assert weights(objects) == [95, 5]
        assert injection.effect == "5 of 40 users were served by green"
    assert weights(objects) == [100, 0]
    assert injection.touched_by_others == []


def test_a_release_that_moves_users_meanwhile_is_let_be_and_named(tmp_path: Path) -> None:
    objects = cluster()
    with small.site(objects, {}, tmp_path).inject(Left(ORDERED, On(objects, {})), RADIUS) as injection:
        theirs = objects.read_object(ROUTE)
        assert theirs is not None
        for one, weight in zip(theirs["spec"]["http"][1]["route"], (75, 25), strict=True):
            one["weight"] = weight
        objects.replace_object(ROUTE, theirs)
    assert weights(objects) == [75, 25]
    assert len(injection.overwritten) == 1


def test_where_no_rule_names_both_sides_nothing_is_moved() -> None:
    objects = Cluster()
    with pytest.raises(Missing, match="one rule must lead users to either side, and there is: none"):
        made(ORDERED, On(objects, {})).plan()


def test_users_who_are_there_already_would_prove_nothing() -> None:
    objects = cluster()
    found = objects.read_object(ROUTE)
    assert found is not None
    for one, weight in zip(found["spec"]["http"][1]["route"], (75, 25), strict=True):
        one["weight"] = weight
    objects.replace_object(ROUTE, found)
    with pytest.raises(
        Missing, match="25% of the users are on green already: nobody could tell who was moved"
    ):
        made(ORDERED, On(objects, {})).plan()
    assert weights(objects) == [75, 25]
