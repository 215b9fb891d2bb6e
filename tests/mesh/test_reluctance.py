"""A mesh that is told to be reluctant: what it holds back, for how long, and for whom, seen at a real Envoy."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from dataclasses import asdict

import httpx
import pytest

from fixtures.lab.api import Pulse
from fixtures.lab.layout import Layout
from fixtures.lab.mesh.plan import Files, plan
from fixtures.lab.mesh.reluctance import Order, Reluctance, order_file
from fixtures.lab.mesh.snapshot import Snapshot
from tests import loops
from tests.mesh.manifests import Object
from tests.mesh.running import Mesh, wait_until
from tests.mesh.test_front_door import canary, side


class Reluctant:
    """The mesh, with an order read from its file as the lab's process reads it."""

    def __init__(self, mesh: Mesh, layout: Layout) -> None:
        self.mesh, self.layout = mesh, layout
        self.reluctance = Reluctance(layout)

    def order(self, order: Order | None) -> None:
        if order is None:
            order_file(self.layout).unlink()
        else:
            order_file(self.layout).write_text(json.dumps(asdict(order)))

        async def read() -> None:
            pulse = Pulse()
            following = asyncio.create_task(self.reluctance.follow(pulse))
            await asyncio.wait_for(pulse.after(0), 2)
            following.cancel()

        loops.run(read())

    def apply(self, objects: list[Object], now_s: float = 0.0) -> None:
        self.mesh.publisher.publish(self.reluctance.applied(plan(Snapshot.of(objects), self.layout), now_s))

    def weight(self) -> int:
        """Green's, of what Envoy is told for all."""
        files: Files = {}
        path = self.layout.home / "mesh" / "front-door.json"
        files[path] = path.read_text()
        routes = json.loads(files[path])["resources"][0]["virtual_hosts"][0]["routes"]
        shares = routes[-1]["route"]["weighted_clusters"]["clusters"]
        return sum(one["weight"] for one in shares if "green" in one["name"])


@pytest.fixture
def reluctant(mesh: Mesh, layout: Layout) -> Reluctant:
    return Reluctant(mesh, layout)


def test_without_an_order_everything_applies_at_once(reluctant: Reluctant, objects: list[Object]) -> None:
    for weight in (5, 100, 0):
        reluctant.apply(canary(objects, weight))
        assert reluctant.weight() == weight


def test_a_change_is_held_back_for_as_long_as_ordered(reluctant: Reluctant, objects: list[Object]) -> None:
    reluctant.apply(canary(objects, 0))
    reluctant.order(Order(late_s=30))
    reluctant.apply(canary(objects, 50), now_s=100)
    reluctant.apply(canary(objects, 50), now_s=129)
    assert reluctant.weight() == 0
    reluctant.apply(canary(objects, 50), now_s=130)
    assert reluctant.weight() == 50
    reluctant.apply(canary(objects, 100), now_s=200)
    assert reluctant.weight() == 50
    reluctant.order(None)
    reluctant.apply(canary(objects, 100), now_s=201)
    assert reluctant.weight() == 100


def test_only_what_takes_from_the_named_side_is_late(reluctant: Reluctant, objects: list[Object]) -> None:
    reluctant.apply(canary(objects, 0))
    reluctant.order(Order(taking_from="green", late_s=33))
    for weight in (5, 25, 100):
        reluctant.apply(canary(objects, weight), now_s=weight)
        assert reluctant.weight() == weight
    reluctant.apply(canary(objects, 0), now_s=200)
    assert reluctant.weight() == 100
    reluctant.apply(canary(objects, 0), now_s=233)
    assert reluctant.weight() == 0


def test_who_was_connected_before_stays_with_green_and_who_comes_anew_does_not(
    reluctant: Reluctant, layout: Layout, objects: list[Object], trust: ssl.SSLContext
) -> None:
    reluctant.apply(canary(objects, 0))
    reluctant.order(Order(taking_from="green", keeps=True))
    reluctant.apply(canary(objects, 0))
    # A busy machine may take longer than httpx keeps a connection.
    forever = httpx.Limits(keepalive_expiry=None)
    with httpx.Client(verify=trust, limits=forever) as kept:
        wait_until(lambda: side(kept, layout) == "blue")
        reluctant.apply(canary(objects, 100))
        wait_until(lambda: side(kept, layout) == "green", 2)
        reluctant.apply(canary(objects, 0))
        wait_until(lambda: side(httpx.Client(verify=trust), layout) == "blue", 2)
        assert Counter(side(kept, layout) for _ in range(20)) == {"green": 20}
        answer = kept.get(f"https://{layout.front_door}/")
        assert not [name for name in answer.json()["seen"] if "opened" in name.lower()]
        reluctant.order(None)
        reluctant.apply(canary(objects, 0))
        wait_until(lambda: side(kept, layout) == "blue", 2)


def test_an_order_that_makes_no_sense_changes_nothing(reluctant: Reluctant, layout: Layout) -> None:
    reluctant.order(Order(late_s=7))
    order_file(layout).write_text('{"late": "very"}')
    assert reluctant.reluctance.read() == Order(late_s=7)
