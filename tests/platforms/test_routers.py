"""One contract for every router: the same cases on Istio's VirtualService, Argo CD's Application and an ALB's listener
(moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fixtures.evidence import Missing
from fixtures.platforms.alb import LONGEST_PAGE, Alb, Listener
from fixtures.platforms.argo_cd import ArgoCd, Switch
from fixtures.platforms.aws import Account
from fixtures.platforms.changes import Ref
from fixtures.platforms.ecs import Ecs
from fixtures.platforms.istio import Istio
from fixtures.platforms.routing import Changed, Router
from tests.release.worlds import BLUE, GREEN, FakePlatform, Json, virtual_service

REGION = "ap-northeast-1"
LISTENER = Listener("shop", 443, "shop-blue", "shop-green")


@dataclass
class World:
    """A router at 0% green, and somebody else who sets weights past it."""

    router: Router
    meddle: Callable[[int], None]


def istio() -> World:
    platform = FakePlatform(("VirtualService", virtual_service()))

    def meddle(percent: int) -> None:
        def change(body: Json) -> None:
            body["spec"] = virtual_service(percent)["spec"]

        platform.change(Ref("VirtualService", BLUE, "canary"), "somebody", change)

    return World(Istio(platform, BLUE, GREEN), meddle)


SHARES = {f"green-{percent}": percent / 100 for percent in (0, 5, 25, 40, 50, 100)}
SWITCH = Switch("argocd", "door", SHARES, "maintenance", within_s=0.0)  # nobody brings anything out here


def application(revision: str = "green-0") -> tuple[str, Json]:
    metadata = {"namespace": "argocd", "name": "door", "resourceVersion": "1", "uid": "door"}
    source = {"path": "door", "targetRevision": revision}
    return "Application", {
        "metadata": metadata,
        "spec": {"source": source, "syncPolicy": {"automated": {}}},
    }


def follow(platform: FakePlatform, revision: str) -> None:
    def change(body: Json) -> None:
        body["spec"]["source"]["targetRevision"] = revision

    platform.change(SWITCH.ref, "somebody", change)


def argo_cd() -> World:
    platform = FakePlatform(application())
    return World(ArgoCd(platform, SWITCH), lambda percent: follow(platform, f"green-{percent}"))


@dataclass
class Elb:
    """What there is of ELB in the made-up account."""

    client: Any
    listener: str
    blue: str
    green: str

    def forward(self, percent: int, **more: Any) -> None:
        groups = [
            {"TargetGroupArn": self.blue, "Weight": 100 - percent},
            {"TargetGroupArn": self.green, "Weight": percent},
        ]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **more}}
        self.client.modify_listener(ListenerArn=self.listener, DefaultActions=[action])

    def actions(self) -> list[Json]:
        found: list[Json] = self.client.describe_listeners(ListenerArns=[self.listener])["Listeners"][0][
            "DefaultActions"
        ]
        return found


@pytest.fixture(scope="module")
def region() -> Iterator[Elb]:
    """Made once, because every client of AWS's takes its time to be made."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.setenv("AWS_ACCESS_KEY_ID", "lab")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "lab")
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zones = [f"{REGION}a", f"{REGION}c"]
        nets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
            for index, zone in enumerate(zones)
        ]  # fmt: skip
        elb = boto3.client("elbv2", region_name=REGION)
        balancer = elb.create_load_balancer(Name="shop", Subnets=nets)["LoadBalancers"][0]["LoadBalancerArn"]
        blue, green = (
            elb.create_target_group(Name=name, Protocol="HTTP", Port=8000, VpcId=vpc, TargetType="ip")[
                "TargetGroups"
            ][0]["TargetGroupArn"]
            for name in ("shop-blue", "shop-green")
        )
        made = elb.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=443,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": blue}],
        )  # fmt: skip
        yield Elb(elb, made["Listeners"][0]["ListenerArn"], blue, green)


@pytest.fixture
def account(region: Elb) -> Elb:
    """As the document's step 4 writes it: one group, no weights."""
    action = {"Type": "forward", "TargetGroupArn": region.blue}
    region.client.modify_listener(ListenerArn=region.listener, DefaultActions=[action])
    return region


@pytest.fixture(scope="module")
def alb_router(region: Elb) -> Alb:
    return Alb(Ecs(Account(REGION), "shop", [LISTENER.ref.name]), LISTENER)


@pytest.fixture
def alb(account: Elb, alb_router: Alb) -> World:
    return World(alb_router, account.forward)


@pytest.fixture(params=["istio", "argo-cd", "alb"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "alb":
        made: World = request.getfixturevalue("alb")
        return made
    return istio() if request.param == "istio" else argo_cd()


# --- the contract ---------------------------------------------------------------------------------------------------
def test_it_is_a_router_and_reads_who_is_sent_where(world: World) -> None:
    assert isinstance(world.router, Router)
    assert world.router.read().green == 0
    world.meddle(40)
    assert world.router.read().green == pytest.approx(0.4)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 1.0, 0.0])
def test_users_are_shifted_and_what_is_returned_is_what_is_read(world: World, share: float) -> None:
    shifted = world.router.shift(world.router.read(), share)
    now = world.router.read()
    assert shifted.green == now.green == pytest.approx(share)
    assert shifted.version == now.version


def test_one_step_follows_another_by_what_the_last_one_returned(world: World) -> None:
    routes = world.router.read()
    for share in (0.05, 0.25, 0.5, 1.0):
        routes = world.router.shift(routes, share)
    assert world.router.read().green == 1


def test_another_ones_change_is_never_overwritten(world: World) -> None:
    seen = world.router.read()
    world.meddle(40)
    writes: list[Callable[[], object]] = [
        lambda: world.router.shift(seen, 0.05),
        lambda: world.router.close(seen, "back soon"),
        lambda: world.router.restore(seen, seen),
    ]
    for write in writes:
        with pytest.raises(Changed, match=r"changed by somebody else since it was read.*40% to green"):
            write()
    assert world.router.read().green == pytest.approx(0.4)


def test_the_door_is_closed_and_opened_as_it_was(world: World) -> None:
    world.meddle(25)
    before = world.router.read()
    closed = world.router.close(before, "back soon")
    assert closed.green is None
    assert world.router.read().green is None
    assert world.router.restore(closed, before).green == pytest.approx(0.25)


def test_whoever_comes_next_finds_a_closed_door_and_opens_it() -> None:
    """Whoever closed it may have been killed."""
    platform = FakePlatform(("VirtualService", virtual_service()))
    router = Istio(platform, BLUE, GREEN)
    before = router.read()
    router.close(before, "back soon")
    other = Istio(platform, BLUE, GREEN)
    seen = other.read()
    assert (seen.name, seen.green) == (before.name, None)
    assert other.restore(seen, before).green == before.green


def test_while_the_door_is_closed_there_is_nothing_to_shift(world: World) -> None:
    closed = world.router.close(world.router.read(), "back soon")
    with pytest.raises(Missing):
        world.router.shift(closed, 0.5)
    assert world.router.read().green is None


@pytest.mark.parametrize("share", [0.005, 1.5, -0.1])
def test_a_share_that_cannot_be_expressed_is_refused_and_nothing_is_written(
    world: World, share: float
) -> None:
    seen = world.router.read()
    with pytest.raises(ValueError, match=r"whole percents|no revision"):
        world.router.shift(seen, share)
    assert world.router.read().version == seen.version


def test_who_changed_it_is_said_as_far_as_is_known(world: World) -> None:
    seen = world.router.read()
    world.meddle(40)
    assert "somebody" in world.router.changed_by(seen, world.router.read())


# --- Argo CD's own --------------------------------------------------------------------------------------------------
def says(platform: FakePlatform, word: str) -> None:
    """As its controller does, of what is to be followed by now."""

    def change(body: Json) -> None:
        source = dict(body["spec"]["source"])
        body["status"] = {"sync": {"status": word, "comparedTo": {"source": source}}}

    platform.change(SWITCH.ref, "argocd", change)


def test_what_the_controller_writes_meanwhile_is_nobodys_change() -> None:
    platform = FakePlatform(application())
    router = ArgoCd(platform, SWITCH)
    seen = router.read()
    says(platform, "Synced")
    assert router.shift(seen, 1.0).green == 1
    written = platform.objects[SWITCH.ref]
    assert written["spec"]["source"] == {"path": "door", "targetRevision": "green-100"}
    assert written["status"]["sync"]["status"] == "Synced"


class Ticking:
    """A clock while which passes Argo CD brings out, after three looks, what it is to follow."""

    def __init__(self, platform: FakePlatform) -> None:
        self._platform, self._now, self.looks = platform, 0.0, 0

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds
        self.looks += 1
        says(self._platform, "Synced" if self.looks == 3 else "OutOfSync")


def test_a_shift_is_over_when_argo_cd_has_brought_it_out() -> None:
    platform = FakePlatform(application())
    says(platform, "Synced")  # of the revision before
    clock = Ticking(platform)
    router = ArgoCd(platform, replace(SWITCH, within_s=60.0), clock)
    assert router.shift(router.read(), 1.0).green == 1
    assert clock.looks == 3


@pytest.mark.parametrize(
    ("kind_and_body", "said"),
    [
        (application("main"), "follows main, of which nobody says who is served"),
        (
            ("Application", {**application()[1], "spec": {"source": {"targetRevision": "green-0"}}}),
            "by itself",
        ),
        (
            ("Application", {**application()[1], "metadata": {"namespace": "argocd", "name": "other"}}),
            "no App",
        ),
    ],
)
def test_an_application_that_moves_nobody_is_said(kind_and_body: tuple[str, Json], said: str) -> None:
    with pytest.raises(Missing, match=said):
        ArgoCd(FakePlatform(kind_and_body), SWITCH).read()


def test_a_door_that_no_revision_closes_is_not_closed() -> None:
    platform = FakePlatform(application())
    router = ArgoCd(platform, replace(SWITCH, closed=""))
    with pytest.raises(Missing, match="close the front door"):
        router.close(router.read(), "back soon")
    assert platform.objects[SWITCH.ref]["metadata"]["resourceVersion"] == "1"


# --- an ALB's own ---------------------------------------------------------------------------------------------------
def test_the_listener_forwards_by_weights_and_keeps_how_long_users_stay(account: Elb, alb: World) -> None:
    sticky = {"Enabled": True, "DurationSeconds": 300}
    account.forward(0, TargetGroupStickinessConfig=sticky)
    alb.router.shift(alb.router.read(), 0.25)
    (action,) = account.actions()
    weights = {one["TargetGroupArn"]: one["Weight"] for one in action["ForwardConfig"]["TargetGroups"]}
    assert weights == {account.blue: 75, account.green: 25}
    assert action["ForwardConfig"]["TargetGroupStickinessConfig"] == sticky


def test_the_page_is_shown_with_503_and_may_not_be_longer_than_an_alb_shows(account: Elb, alb: World) -> None:
    alb.router.close(alb.router.read(), "back soon")
    (action,) = account.actions()
    assert action["FixedResponseConfig"]["StatusCode"] == "503"
    assert action["FixedResponseConfig"]["MessageBody"] == "back soon"
    again = alb.router.read()
    with pytest.raises(ValueError, match=f"shows {LONGEST_PAGE} characters"):
        alb.router.close(again, "x" * (LONGEST_PAGE + 1))


def test_what_leads_elsewhere_is_not_taken_for_a_side(account: Elb, alb: World) -> None:
    answer = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no"}
    action = {"Type": "fixed-response", "FixedResponseConfig": answer}
    account.client.modify_listener(ListenerArn=account.listener, DefaultActions=[action])
    with pytest.raises(Missing, match="answers everybody with 404"):
        alb.router.read()


@pytest.mark.parametrize(
    ("listener", "said"),
    [
        (Listener("shop", 8443, "shop-blue", "shop-green"), "no listener 8443 of shop"),
        (Listener("nobody", 443, "shop-blue", "shop-green"), "no listener 443 of nobody"),
        (Listener("shop", 443, "shop-blue", "shop-grey"), "shop-grey"),
    ],
)
def test_a_name_that_is_not_there_is_said(account: Elb, listener: Listener, said: str) -> None:
    router = Alb(Ecs(Account(REGION), "shop"), listener)
    with pytest.raises(Missing, match=said):
        router.shift(router.read(), 0.25)
