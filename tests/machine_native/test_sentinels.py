"""Real sentinels over a real server and its replica: whom they name, what is missing, and a failover in figures."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import redis

from fixtures.clock import wait_until
from fixtures.evidence import Unreachable
from fixtures.lab import sentinel
from fixtures.lab.layout import Layout
from fixtures.lab.process import Running
from fixtures.lab.sentinel.__main__ import parts
from fixtures.lab.stores import valkey
from fixtures.probes import sentinels
from fixtures.target import Credential, Side, Sides, Target
from fixtures.target.environment import Sentinels, Stores
from fixtures.target.guarded import CacheFailover
from fixtures.target.quantities import Duration, Rate
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.failover import BEFORE_S, carried_out
from scenarios.faults.radius import OPT_IN
from scenarios.faults.site import Site
from scenarios.surroundings import Surroundings
from tests.machine_native.instant import Instant
from tests.subnets import claimed

pytestmark = pytest.mark.timeout(120)
PASSWORD = "lab"
WITHIN_S = 40.0


@dataclass
class Guarded:
    layout: Layout
    running: dict[str, Running]

    def around(self) -> Surroundings:
        target = Target.load("machine-native-ops")
        url = Credential.of_lab(f"redis://:{PASSWORD}@{self.layout.cache}/1")
        told = {
            "sentinels": Sentinels(hosts=tuple(sentinel.addresses(self.layout)), master=sentinel.MASTER),
            "stores": Stores(cache=Sides[Credential](blue=url, green=url)),
        }
        return Surroundings(target, target.environment("lab").model_copy(update=told), Side.GREEN, Instant())

    def agree(self) -> Measurement:
        around = self.around()
        return measure(next(one for one in around.target.checks if one.name == "sentinels-agree"), around)

    def in_step(self) -> bool:
        try:
            words = [sentinels.asked(host, sentinel.MASTER) for host in sentinel.addresses(self.layout)]
        except Unreachable:
            return False
        return all(any(one.in_step for one in word.followers) and not word.quorum for word in words)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with ExitStack() as stack:
        layout = Layout(stack.enter_context(claimed()), tmp_path_factory.mktemp("lab"))
        layout.logs.mkdir()
        found = Guarded(layout, {})
        for part in (valkey(layout, PASSWORD), *parts(layout, PASSWORD)):
            found.running[part.name] = one = Running(part, Path(layout.logs / f"{part.name}.log"))
            stack.callback(one.stop)
        wait_until(found.in_step, WITHIN_S)
        yield found


def test_sentinels_that_agree_and_a_replica_in_step_are_well(guarded: Guarded) -> None:
    found = guarded.agree()
    assert (found.value, found.samples) == (0, 3), found.why
    word = sentinels.asked(sentinel.addresses(guarded.layout)[0], sentinel.MASTER)
    assert word.master == guarded.layout.cache
    assert [one.address for one in word.followers] == [sentinel.replica(guarded.layout)]


def test_sentinels_that_nobody_stated_are_no_evidence(guarded: Guarded) -> None:
    around = guarded.around()
    around.environment = around.environment.model_copy(update={"sentinels": None})
    found = measure(next(one for one in around.target.checks if one.name == "sentinels-agree"), around)
    assert found.value is None
    assert "states no sentinels" in found.why


def objects(*, opted_in: bool) -> Site:
    """A site of which only the namespaces are asked."""
    key, value = OPT_IN
    labels = {key: value} if opted_in else {}
    hands = SimpleNamespace(objects=SimpleNamespace(read_object=lambda _: {"metadata": {"labels": labels}}))
    return cast(Site, SimpleNamespace(hands=hands))


def order(**other: Any) -> CacheFailover:
    check = next(one for one in Target.load("machine-native-ops").checks if isinstance(one, CacheFailover))
    told = {"silent": Duration.read("6s"), "writes": Rate.read("20 rps"), **other}
    return check.model_copy(update=told)


def test_where_nobody_has_opted_in_nothing_is_touched(guarded: Guarded) -> None:
    found = carried_out(order(), guarded.around(), objects(opted_in=False)).seen
    assert "not labelled" in found.invalid
    assert guarded.agree().value == 0


@pytest.mark.long
def test_a_server_that_falls_silent_is_replaced_and_nothing_acknowledged_is_lost(guarded: Guarded) -> None:
    found = carried_out(order(), guarded.around(), objects(opted_in=True)).seen
    assert (found.value, found.invalid) == (0, ""), found.why
    told = [one.title for one in found.evidence]
    assert any(one.startswith("written to again after") for one in told), told
    assert any(one.startswith("0 of ") for one in told), told
    assert guarded.agree().value == 0
    assert (
        sentinels.asked(sentinel.addresses(guarded.layout)[0], sentinel.MASTER).master == guarded.layout.cache
    )


@pytest.mark.long
def test_one_that_is_silent_for_less_than_anybody_notices_is_not_replaced(guarded: Guarded) -> None:
    found = carried_out(
        order(silent=Duration.read("1s"), within=Duration.read("3s")),
        guarded.around(),
        objects(opted_in=True),
    )
    assert "nobody took the place" in found.seen.why
    assert found.left == ""


@contextmanager
def stopped(part: Running) -> Iterator[None]:
    """It neither answers nor refuses."""
    part.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        part.process.send_signal(signal.SIGCONT)


@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_replica_that_is_lost_in_between_is_said_to_be_left_beside_what_was_seen(guarded: Guarded) -> None:
    with ExitStack() as stack:
        late = threading.Timer(
            BEFORE_S / 2, lambda: stack.enter_context(stopped(guarded.running["valkey-replica"]))
        )
        late.start()
        short = order(silent=Duration.read("6s"), within=Duration.read("12s"))
        found = carried_out(short, guarded.around(), objects(opted_in=True))
    assert f"{guarded.layout.cache} is written to again" in found.left
    assert "knows 0 replicas in step" in found.left
    assert "nobody took the place" in found.seen.why
    assert f"SOMETHING IS LEFT BEHIND: {found.left}" in found.seen.why
    wait_until(lambda: guarded.agree().value == 0, WITHIN_S)


def silenced(guarded: Guarded) -> int:
    """How often the server was told to be silent."""
    host, port = guarded.layout.cache.split(":")
    with redis.Redis(host, int(port), password=PASSWORD, socket_timeout=1) as server:
        return int(server.info("commandstats").get("cmdstat_client|pause", {"calls": 0})["calls"])


def test_without_anybody_to_take_the_place_the_server_is_not_told_to_be_silent(guarded: Guarded) -> None:
    before = silenced(guarded)
    with stopped(guarded.running["valkey-replica"]):
        wait_until(lambda: "knows 0 replicas in step" in guarded.agree().why, WITHIN_S)
        found = carried_out(order(), guarded.around(), objects(opted_in=True))
    assert (found.seen.value, found.left) == (3, "")
    assert f"nobody could take the place of {guarded.layout.cache}" in found.seen.why
    assert silenced(guarded) == before
    wait_until(lambda: guarded.agree().value == 0, WITHIN_S)


def test_a_sentinel_that_is_gone_is_missed(guarded: Guarded) -> None:
    """The last: it does not come back."""
    guarded.running["sentinel-2"].stop()
    found = guarded.agree()
    assert found.value is not None
    assert found.value >= 1
    assert "does not answer" in found.why


def test_without_a_replica_nobody_could_take_the_place(guarded: Guarded) -> None:
    guarded.running["valkey-replica"].stop()
    wait_until(lambda: "knows 0 replicas in step" in guarded.agree().why, WITHIN_S)
