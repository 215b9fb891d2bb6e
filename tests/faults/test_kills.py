"""Killed at random moments, again and again, also while the API server restarts: everything is as it was, in time."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from fixtures.clock import wait_until
from fixtures.platforms.changes import Ref
from fixtures.platforms.kubernetes import Kubernetes
from scenarios.faults.healing import marks
from scenarios.faults.place import Place
from scenarios.faults.site import essence
from tests.bench.faults import moments
from tests.cluster import servers
from tests.cluster.servers import ApiServer
from tests.faults.killing import Pair
from tests.faults.runner import Cut
from tests.faults.test_ending import DEPLOYMENT, HEALS_S
from tests.faults.test_lab import FAULTS

KILLS = 12  # the bench has the hundreds that are promised
LONGEST_S = 0.6  # a fault is in within a fraction of a second here
RESTARTS_S = 20.0


def prepared(platform: Kubernetes, name: str) -> str:
    labels = {"metadata": {"labels": {"verdigris.dev/chaos": "allowed"}}}
    platform.create_object(Ref("Namespace", "", name), labels)
    platform.create_object(Ref("Deployment", name, "web"), DEPLOYMENT)
    return name


def state(platform: Kubernetes, namespace: str) -> list[Any]:
    kinds = ("Deployment", "NetworkPolicy")
    return [essence(one) for kind in kinds for one in platform.list_objects(kind, namespace)]


def test_killed_at_random_moments_everything_is_as_it_was(
    server: ApiServer, platform: Kubernetes, tmp_path: Path
) -> None:
    namespace = prepared(platform, "kills")
    place = Place(str(tmp_path / "ledger"), str(server.kubeconfig), None)
    before, told = state(platform, namespace), []
    for _ in range(KILLS):
        pair = Pair.start(place, lambda hands: Cut(hands.objects, namespace))
        time.sleep(random.uniform(0.05, LONGEST_S))
        told.append(pair.kill(HEALS_S))
        assert state(platform, namespace) == before
        assert marks(platform) == []
    assert [one.code for one in told] == [0] * KILLS
    assert sum(one.left > 0 for one in told) >= KILLS / 6, "hardly a kill found a fault in: nothing was shown"


def test_an_api_server_that_restarts_meanwhile_delays_the_heal_and_no_more(tmp_path: Path) -> None:
    layout = servers.new_home(tmp_path / "home")
    place = Place(str(tmp_path / "ledger"), str(layout.kubeconfig), None)
    with ExitStack() as first:
        server = first.enter_context(servers.running(layout, [servers.own_part(layout)]))
        platform = Kubernetes(Path(server.kubeconfig))
        namespace = prepared(platform, "restarts")
        before = state(platform, namespace)
        pair = Pair.start(place, lambda hands: Cut(hands.objects, namespace))
        wait_until(lambda: len(place.ledger.entries()) == 2, HEALS_S)

        def restarted() -> None:
            first.close()
            second.enter_context(servers.running(layout, [servers.own_part(layout)]))

        with ExitStack() as second:
            killed = pair.kill(RESTARTS_S, restarted)
            assert killed.left == 2
            assert killed.code == 0
            assert state(platform, namespace) == before
            assert marks(platform) == []
            platform.close()


def test_the_bench_puts_every_kind_in_before_one_again_and_the_seed_says_when() -> None:
    drawn = list(islice(moments(seed=7), 2 * len(FAULTS)))
    for half in (drawn[: len(FAULTS)], drawn[len(FAULTS) :]):
        assert sorted(map(str, FAULTS)) == sorted(str(fault) for fault, _ in half)
    assert drawn == list(islice(moments(seed=7), len(drawn)))
    assert drawn[:5] != list(islice(moments(seed=8), 5))
