"""A whole release of NailBook on AWS's API alone (moto), on a clock of its own: tasks do at once what they are told,
users are where the listener leads them, monitoring counts as it is told. The lab tries the same with real ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto import mock_aws

from fixtures.lab.aws import REGION
from fixtures.lab.systems.nailbook_line.catalogue import BALANCER, BLUE, CLUSTER, GREEN
from fixtures.platforms.abilities import Pod, Reply, Workload
from fixtures.platforms.alb import Alb, Listener
from fixtures.platforms.aws import Account
from fixtures.platforms.ecs import Ecs
from fixtures.probes.prometheus import Sample
from fixtures.target import Side, Target
from reports.release.record import Weight
from scenarios.release.fleet import Fleet
from scenarios.release.moving import CLOSED, Road
from scenarios.release.probes import Outcome
from scenarios.release.release import Release, Ways
from scenarios.release.terms import terms_of
from scenarios.release.timeline import Timeline
from scenarios.surroundings import Surroundings
from tests.lab.test_fargate import World
from tests.release.worlds import BEGAN_S, FakeClock, probes

LISTENER = Listener(BALANCER, 443, BLUE.group, GREEN.group)
RATE_RPS = 20.0
COUNTER = re.compile(
    r'label_replace\((?:sum|max) by \([^)]*\) \((.*?)\), "verdigris_term", "(value|time)(\d+)"'
)
GOOD = ('status="success"', 'status!~"5.."', "le=~")  # selectors of what went well


class Living(Ecs):
    """Whose tasks are as they were asked for, and answer for their health as `ill` says."""

    def __init__(self, world: World) -> None:
        super().__init__(Account(REGION), CLUSTER, [LISTENER.ref.name])
        self._world, self.ill = world, set[str]()

    def workloads(self, namespace: str) -> Sequence[Workload]:
        self._world.settle()
        return super().workloads(namespace)

    def get(self, pod: Pod, path: str, timeout_s: float) -> Reply:
        return Reply(503 if pod.namespace in self.ill else 200, {}, "", 0.01)


@dataclass
class Monitoring:
    """Counters of both sides that grow with the time; of green's, so much is bad once it is asked for."""

    clock: FakeClock
    green_bad: float = 0.0

    def query(self, query: str) -> list[Sample]:
        return [
            Sample({"namespace": side, "pod": f"api-{side}", "verdigris_term": f"{kind}{at}"}, value, now_s)
            for now_s in (self.clock.now(),)
            for selector, kind, at in COUNTER.findall(query)
            for side in ("blue", "green")
            for value in (now_s if kind == "time" else self._value(selector, side, now_s),)
        ]

    def _value(self, selector: str, side: str, now_s: float) -> float:
        if "process_start" in selector:
            return BEGAN_S - 100
        share = 1 - self.green_bad if side == "green" and any(one in selector for one in GOOD) else 1.0
        return float(int(RATE_RPS * (now_s - BEGAN_S + 100) * share))

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Course:
    """What it takes to carry a release out here."""

    world: World
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    said: list[str] = field(default_factory=list)
    hears: Callable[[str], None] = lambda _: None
    weights: list[Weight] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.platform, self.monitoring = Living(self.world), Monitoring(self.clock)
        target = Target.load("nailbook-line")
        environment = target.environment("lab").model_copy(update={"entry": "https://api.nailbook.test"})
        self.around = Surroundings(target, environment, Side.GREEN, self.clock)
        self.around.platform = self.platform
        self.around.prometheus = self.monitoring  # type: ignore[assignment]
        for side in Side:
            self.around.doors[side] = self._door(side)

    def _door(self, side: Side) -> httpx.Client:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/":
                return httpx.Response(503 if self._serves(self.clock.now()) == CLOSED else 200)
            ill = str(side) in self.platform.ill
            return httpx.Response(503 if ill else 200, headers={"x-served-side": str(side)})

        return httpx.Client(base_url="https://api.nailbook.test", transport=httpx.MockTransport(answer))

    def _serves(self, at_s: float) -> str:
        last = [one for one in self.weights if one.at_s <= at_s]
        if last and last[-1].by == CLOSED:
            return CLOSED
        return "green" if last and last[-1].green == 1 else "blue"

    def _timeline(self) -> Timeline:
        def serve(at_s: float, _: bool) -> tuple[str, Outcome]:
            side = self._serves(at_s)
            return ("", Outcome.STATUS) if side == CLOSED else (side, Outcome.OK)

        return probes(serve, self.clock.now() - BEGAN_S, RATE_RPS)

    def _say(self, line: str) -> None:
        self.said.append(line)
        self.hears(line)

    def release(self, *, keep: bool = False) -> Release:
        terms = terms_of(self.around.target, self.around.environment)
        ways = Ways(
            around=self.around,
            terms=terms,
            road=Road(Alb(self.platform, LISTENER), self.clock, self._timeline, weights=self.weights),
            fleets={side: Fleet(self.platform, str(side), self.clock) for side in Side},
            timeline=self._timeline,
            clock=self.clock,
            folder=self.folder,
            say=self._say,
        )
        made = Release(ways, keep=keep)
        made.run()
        return made

    @property
    def tasks(self) -> Mapping[str, int]:
        return {side: Fleet(self.platform, side, self.clock).replicas()["api"] for side in ("blue", "green")}

    @property
    def green(self) -> float | None:
        return Alb(self.platform, LISTENER).read().green


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        patched.setenv("AWS_ACCESS_KEY_ID", "lab")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "lab")
        made = World()
        made.settle()
        yield made


@pytest.fixture
def course(world: World, tmp_path: Path) -> Course:
    return Course(world, tmp_path)


def ran(steps: Sequence[Any]) -> list[tuple[str, bool | None]]:
    return [(one.name, one.ok) for one in steps]


@pytest.mark.long
def test_a_healthy_green_gets_everybody_and_a_rehearsal_puts_all_back(course: Course) -> None:
    made = course.release()
    assert [(one.name, one.decision.outcome) for one in made.stages] == [("100%", "promote")], course.said
    names = ("backup", "mark", "scale", "able", "scale_again")
    assert ran(made.cleaned) == [(name, True) for name in names]
    assert made.rollback is not None
    assert ran(made.rollback.steps) == [(name, True) for name in ("switch", "verify", "health", "clean_up")]
    assert made.rollback.budget_s == 900
    assert made.restored is not None
    assert made.restored.ok, made.restored.said
    assert (course.green, course.tasks) == (0, {"blue": 3, "green": 3})
    assert (course.folder / "backup-blue.yaml").exists()


@pytest.mark.long
def test_a_release_that_is_kept_leaves_everybody_on_green_and_blue_without_tasks(course: Course) -> None:
    try:
        made = course.release(keep=True)
        assert made.outcome == "promote", course.said
        assert (course.green, course.tasks) == (1, {"blue": 0, "green": 3})
    finally:
        Fleet(course.platform, "blue", course.clock).scale({"api": 3})
        Fleet(course.platform, "blue", course.clock).mark(None)
        router = Alb(course.platform, LISTENER)
        router.shift(router.read(), 0.0)


def test_a_green_that_fails_bookings_is_taken_back(course: Course) -> None:
    course.monitoring.green_bad = 0.3
    made = course.release()
    assert made.outcome == "roll back", course.said
    assert "Booking Success Rate" in "; ".join(made.reasons)
    assert made.rollback is not None
    assert made.rollback.ok
    assert (course.green, course.tasks) == (0, {"blue": 3, "green": 3})


def test_a_green_whose_health_checks_fail_is_taken_back_by_the_trigger(course: Course) -> None:
    def fall_ill(line: str) -> None:
        if line.startswith("100% of the users"):
            course.platform.ill.add("green")

    course.hears = fall_ill
    made = course.release()
    assert made.stages[-1].decision.by == "trigger", course.said
    assert "3 of 3 health checks failed" in made.reasons[0]
    assert course.green == 0


@pytest.mark.long
def test_nobody_is_sent_to_a_blue_that_is_not_fit(course: Course, world: World) -> None:
    """Somebody deploys what nobody built; the listener shows a page, and blue gets its definition back."""
    ecs = world.client("ecs")
    built = ecs.describe_services(cluster=CLUSTER, services=[BLUE.service])["services"][0]["taskDefinition"]

    def break_blue(line: str) -> None:
        if ": roll back" in line:
            course.platform.ill.add("blue")
            ecs.update_service(cluster=CLUSTER, service=BLUE.service, taskDefinition="api:2")
        if line.startswith("maintenance"):
            course.platform.ill.discard("blue")

    course.monitoring.green_bad = 0.3
    course.hears = break_blue
    made = course.release()
    assert made.rollback is not None
    assert made.rollback.kind == "emergency", course.said
    assert ran(made.rollback.steps)[:3] == [("maintenance", True), ("redeploy", True), ("lift", True)]
    assert CLOSED in [one.by for one in course.weights]
    after = ecs.describe_services(cluster=CLUSTER, services=[BLUE.service])["services"][0]["taskDefinition"]
    assert after == built
    assert (course.green, course.tasks["blue"]) == (0, 3)
