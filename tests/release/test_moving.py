"""Users are moved by versions that were read, and have moved when the last answer came; nobody is overwritten."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import pytest

from fixtures.evidence import Missing
from fixtures.platforms.changes import Conflict, Ref
from fixtures.platforms.istio import Istio
from fixtures.platforms.routing import Changed
from scenarios.release.fleet import REMOVE_AFTER, Fleet
from scenarios.release.moving import QUIET_S, Road, during
from scenarios.release.probes import Outcome
from scenarios.release.timeline import Timeline
from tests.release.worlds import (
    BEGAN_S,
    BLUE,
    GREEN,
    FakeClock,
    FakePlatform,
    Json,
    deployment,
    namespace,
    probes,
    shared_out,
    virtual_service,
)

CANARY = Ref("VirtualService", BLUE, "canary")


@pytest.fixture
def platform() -> FakePlatform:
    workloads = [deployment(side, name) for side in (BLUE, GREEN) for name in ("gate", "till")]
    return FakePlatform(("VirtualService", virtual_service()), *workloads, namespace(BLUE), namespace(GREEN))


def weights(platform: FakePlatform) -> list[tuple[str, int]]:
    rule = platform.objects[CANARY]["spec"]["http"][-1]
    return [(one["destination"]["host"], one["weight"]) for one in rule["route"]]


def to_green(percent: int) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        body["spec"] = virtual_service(percent)["spec"]

    return change


# --- the router ------------------------------------------------------------------------------------------------------
def test_a_shift_changes_the_weights_of_who_asks_for_no_side(platform: FakePlatform) -> None:
    router = Istio(platform, BLUE, GREEN)
    seen = router.read()
    assert seen.green == 0
    assert router.shift(seen, 0.25).green == 0.25
    assert weights(platform) == [(f"gate.{BLUE}.svc", 75), (f"gate.{GREEN}.svc", 25)]
    by_header = platform.objects[CANARY]["spec"]["http"][0]
    assert by_header == virtual_service()["spec"]["http"][0]


def test_a_change_by_somebody_else_is_named_and_not_overwritten(platform: FakePlatform) -> None:
    router = Istio(platform, BLUE, GREEN)
    seen = router.read()
    platform.change(CANARY, "argo-rollouts", to_green(40))
    with pytest.raises(Changed, match=r"40% to green, by argo-rollouts"):
        router.shift(seen, 0.05)
    assert weights(platform)[1] == (f"gate.{GREEN}.svc", 40)


def test_everybody_can_be_shown_a_page_and_let_in_again(platform: FakePlatform) -> None:
    router = Istio(platform, BLUE, GREEN)
    seen = router.read()
    closed = router.close(seen, "back soon")
    assert closed.green is None
    assert str(closed) == "closed for maintenance"
    assert platform.objects[CANARY]["spec"]["http"][-1]["directResponse"]["status"] == 503
    assert router.restore(closed, seen).green == 0
    assert platform.objects[CANARY]["spec"] == virtual_service()["spec"]


def test_shares_that_istio_cannot_express_are_refused(platform: FakePlatform) -> None:
    router = Istio(platform, BLUE, GREEN)
    for share in (0.005, 1.5, -0.1):
        with pytest.raises(ValueError, match="whole percents"):
            router.shift(router.read(), share)


def test_a_lone_destination_gets_everything(platform: FakePlatform) -> None:
    def only_green(body: Json) -> None:
        rule = body["spec"]["http"][-1]
        rule["route"] = [{"destination": {"host": f"gate.{GREEN}.svc"}}]

    platform.change(CANARY, "pipeline", only_green)
    router = Istio(platform, BLUE, GREEN)
    seen = router.read()
    assert seen.green == 1
    assert router.shift(seen, 0.0).green == 0


def test_without_one_service_that_leads_there_nobody_guesses(platform: FakePlatform) -> None:
    second = virtual_service()
    second["metadata"]["name"] = "other"
    for objects in ([], [virtual_service(), second]):
        router = Istio(FakePlatform(*(("VirtualService", one) for one in objects)), BLUE, GREEN)
        with pytest.raises(Missing, match="one VirtualService must lead"):
            router.read()


# --- the road --------------------------------------------------------------------------------------------------------
def road(platform: FakePlatform, leaves_s: float = 0.5) -> tuple[Road, FakeClock]:
    """Users whom green's last answer reaches so long after the beginning."""
    clock = FakeClock()

    def timeline() -> Timeline:
        whole = probes(lambda at_s, _: ("green" if at_s < BEGAN_S + leaves_s else "blue", Outcome.OK), 60)
        return whole.between(BEGAN_S, clock.now())

    return Road(Istio(platform, BLUE, GREEN), clock, timeline), clock


def test_users_have_left_when_the_last_answer_came(platform: FakePlatform) -> None:
    made, clock = road(platform, leaves_s=3.0)
    left_s = made.wait_left("green", BEGAN_S, 30.0)
    assert left_s is not None
    assert left_s - BEGAN_S == pytest.approx(2.96, abs=0.05)
    assert clock.now() - left_s >= QUIET_S


def test_users_who_do_not_leave_are_not_waited_for_longer_than_may_be(platform: FakePlatform) -> None:
    made, clock = road(platform, leaves_s=1000.0)
    assert made.wait_left("green", BEGAN_S, 30.0) is None
    assert clock.now() - BEGAN_S == pytest.approx(30 + QUIET_S, abs=0.5)


def test_a_side_that_few_are_sent_to_has_not_left_because_it_was_silent_for_a_while(
    platform: FakePlatform,
) -> None:
    """At 5% and 20 probes a second, silences of 2 s are nothing."""
    clock, seldom = FakeClock(), shared_out(0.05)

    def serve(at_s: float, fresh: bool) -> tuple[str, Outcome]:
        return seldom(at_s, fresh) if at_s < BEGAN_S + 12 else ("blue", Outcome.OK)

    whole = probes(serve, 90)
    made = Road(Istio(platform, BLUE, GREEN), clock, lambda: whole.between(BEGAN_S, clock.now()))
    made.shift(0.05)
    made.shift(0.0)
    left_s = made.wait_left("green", BEGAN_S, 30.0)
    assert left_s is not None
    assert left_s == whole.left_s("green")
    assert left_s > BEGAN_S + 8
    assert clock.now() - left_s == pytest.approx(270 / 20, abs=1)


def test_the_same_words_in_a_new_version_are_nobodys_change(platform: FakePlatform) -> None:
    made, _ = road(platform)
    platform.change(CANARY, "istiod", lambda body: body.update(status={"seen": True}))
    made.shift(0.05)
    assert made.routes.green == 0.05


def test_other_words_end_the_release_and_stay(platform: FakePlatform) -> None:
    made, _ = road(platform)
    made.shift(0.05)
    platform.change(CANARY, "somebody", to_green(70))
    acts: list[Callable[[], None]] = [
        partial(made.shift, 0.25),
        partial(made.restore, made.found),
        made.checked,
    ]
    for act in acts:
        with pytest.raises(Changed, match=r"5% to green became 70% to green"):
            act()
    assert weights(platform)[1][1] == 70


def test_a_pipelines_changes_are_taken_up_and_named(platform: FakePlatform) -> None:
    made, _ = road(platform)
    assert not made.followed()
    platform.change(CANARY, "pipeline", to_green(5))
    assert made.followed()
    assert (made.routes.green, made.weights[-1].by) == (0.05, "pipeline (pipeline)")
    assert "5% to green" in during(made.weights, made.weights[-1].at_s + 1)


# --- the fleet -------------------------------------------------------------------------------------------------------
def test_a_fleet_is_scaled_and_waited_for(platform: FakePlatform) -> None:
    fleet = Fleet(platform, BLUE, FakeClock())
    fleet.scale_all(1)
    assert fleet.replicas() == {"gate": 1, "till": 1}
    assert Fleet(platform, GREEN, FakeClock()).replicas() == {"gate": 2, "till": 2}


def test_a_controller_that_is_faster_is_written_after_and_a_person_is_not(platform: FakePlatform) -> None:
    fleet, gate = Fleet(platform, BLUE, FakeClock()), Ref("Deployment", BLUE, "gate")
    times = itertools.count()

    def status(ref: Ref) -> None:
        if ref == gate and next(times) == 0:
            platform.change(ref, "controller", lambda body: body.update(status={"replicas": 2}))

    platform.meddle = status
    fleet.scale({"gate": 1})
    assert fleet.replicas()["gate"] == 1

    def person(ref: Ref) -> None:
        platform.change(ref, "somebody", lambda body: body["spec"].update(replicas=7))

    platform.meddle = person
    with pytest.raises(Conflict, match=r"somebody else set spec\.replicas"):
        fleet.scale({"gate": 2})
    assert fleet.replicas()["gate"] == 7


def test_what_is_not_ready_is_named_when_the_time_is_up(platform: FakePlatform) -> None:
    clock = FakeClock()
    platform.unready = {"till": "ImagePullBackOff"}
    assert "till has 0 ready of 2 (ImagePullBackOff)" in Fleet(platform, BLUE, clock).wait_ready(30)
    assert clock.now() - BEGAN_S == pytest.approx(30, abs=0.2)


def test_a_mark_says_when_a_side_may_go_and_is_taken_away_again(platform: FakePlatform) -> None:
    fleet = Fleet(platform, BLUE, FakeClock())
    fleet.mark("2026-01-02T00:00:00+00:00")
    assert fleet.marked() == "2026-01-02T00:00:00+00:00"
    assert REMOVE_AFTER in platform.objects[Ref("Namespace", "", BLUE)]["metadata"]["annotations"]
    fleet.mark(None)
    assert fleet.marked() is None


def test_what_was_known_to_be_good_can_be_put_back(platform: FakePlatform) -> None:
    fleet = Fleet(platform, BLUE, FakeClock())
    good = fleet.definitions()
    platform.change(
        Ref("Deployment", BLUE, "gate"), "somebody", lambda body: body["spec"].update(image="shop:broken")
    )
    fleet.redeploy(good)
    assert platform.objects[Ref("Deployment", BLUE, "gate")]["spec"]["image"] == "shop:1"


def test_what_an_autoscaler_has_raised_since_is_not_taken_down() -> None:
    platform = FakePlatform(deployment(BLUE, "gate"), deployment(BLUE, "till"))
    fleet = Fleet(platform, BLUE, FakeClock())
    fleet.scale_all(1)
    platform.change(
        Ref("Deployment", BLUE, "gate"), "autoscaler", lambda body: body["spec"].update(replicas=6)
    )
    fleet.put_back({"gate": 2, "till": 2})
    assert fleet.replicas() == {"gate": 6, "till": 2}
    fleet.at_least({"gate": 2, "till": 3})
    assert fleet.replicas() == {"gate": 6, "till": 3}
