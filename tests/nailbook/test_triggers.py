"""The trigger on health checks: which share of them failed lately, over all tasks of a side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from fixtures.evidence import Unreachable
from fixtures.platforms.abilities import Pod, Reply, Workload
from fixtures.target import Side
from scenarios.release.eyes import Seeing
from scenarios.release.guards import Seen
from scenarios.release.health import Lately, each_inside
from scenarios.release.terms import SCRAPES, terms_of
from scenarios.surroundings import Surroundings
from tests.nailbook.test_checks import nailbook
from tests.release.worlds import probes, shared_out


@dataclass
class Tasks:
    """What each task of a side answers: a status, or 0 where it does not. AWS may not answer at all."""

    answers: dict[str, list[int]] = field(default_factory=dict)
    silent: bool = False

    def workloads(self, namespace: str) -> Sequence[Workload]:
        if self.silent:
            raise Unreachable("AWS does not answer")
        return [Workload(namespace, "api", 3, 3, 3, 3, selector={"service": f"api-{namespace}"})]

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        return [Pod(namespace, f"{namespace}-{at}") for at in range(len(self.answers[namespace]))]

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {}

    def get(self, pod: Pod, path: str, timeout_s: float) -> Reply:
        side, _, at = pod.name.partition("-")
        if not (status := self.answers[side][int(at)]):
            raise Unreachable(f"task {pod.name} does not answer")
        return Reply(status, {}, "", 0.01)


def around(tasks: Tasks) -> Surroundings:
    found = nailbook(prometheus="http://127.0.0.1:1")
    found.platform = tasks
    return found


def seen(found: Surroundings, looks: int = 1) -> tuple[Seen, Seen]:
    """Green's share of failed health checks, and blue's, after so many looks."""
    terms = terms_of(found.target, found.environment)
    (guard,) = [one for one in terms.guards if one.name == "health"]
    eyes = Seeing(found, terms, lambda: probes(shared_out(1.0), 1))
    for _ in range(looks):
        told = eyes.guarded([guard])[guard]
    return told


def test_one_task_of_three_is_no_reason_to_go_back() -> None:
    green, blue = seen(around(Tasks({"green": [200, 503, 200], "blue": [200]})))
    assert green.value == pytest.approx(1 / 3)
    assert green.broken is False
    assert blue.broken is None  # nobody asked it: it matters only where green is over


def test_two_tasks_of_three_are_and_one_that_does_not_answer_is_unwell() -> None:
    green, blue = seen(around(Tasks({"green": [0, 503, 200], "blue": [200]})))
    assert green.value == pytest.approx(2 / 3)
    assert green.broken is True
    assert (blue.value, blue.broken) == (0, False)
    assert "2 of 3 health checks failed, green-0: task green-0 does not answer" in green.said


def test_a_side_without_a_task_fails_its_health_checks() -> None:
    found = around(Tasks({"green": [], "blue": [200]}))
    assert [why for _, why in each_inside(found, Side.GREEN)] == [
        "no pod in green is of api: its selector matches none"
    ]
    assert seen(found)[0].broken is True


def test_where_aws_does_not_answer_nobody_can_tell() -> None:
    green, blue = seen(around(Tasks(silent=True)))
    assert (green.broken, blue.broken) == (None, None)
    assert "AWS does not answer" in green.said


def test_what_is_long_over_no_longer_counts() -> None:
    lately = Lately(SCRAPES)
    assert lately.take([("a", "ill"), ("b", "ill")]) == 1
    shares = [lately.take([("a", ""), ("b", "")]) for _ in range(SCRAPES)]
    assert shares[0] == 0.5
    assert shares[-2:] == [pytest.approx(1 / SCRAPES), 0]
