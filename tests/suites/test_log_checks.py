"""A pod's kept lines: errors are named with their last, and a log that is not there is no log without errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from fixtures.evidence import Missing, NoEvidence, Refused
from fixtures.platforms.abilities import Pod, Workload
from fixtures.target import Side, Target
from reports.verdicts import Measurement
from scenarios.checks import measure
from scenarios.surroundings import Surroundings
from tests.suites.by_hand import FakeClock

WELL = '{"level": "info", "msg": "listening"}'
WRONG = '{"level": "error", "msg": "store away"}'
Said = Sequence[str] | NoEvidence


class Tasks:
    """Keeps what each of its tasks has said."""

    def __init__(self, said: Mapping[str, Said]) -> None:
        self._said = said

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        return [
            Pod(namespace, name, {"app": "api"}, "", "127.0.0.1", "RUNNING", ready=True)
            for name in self._said
        ]

    def workloads(self, namespace: str) -> Sequence[Workload]:
        many = len(self._said)
        return [Workload(namespace, "api", many, many, many, many, True, "", {"app": "api"}, ())]

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {}

    def stamped_log(self, pod: Pod, lines: int) -> Sequence[tuple[datetime, str]]:
        said = self._said[pod.name]
        if isinstance(said, NoEvidence):
            raise said
        return [(datetime.now(UTC), line) for line in said[-lines:]]


def seen(**said: Said) -> Measurement:
    target = Target.load("nailbook-line")
    around = Surroundings(target, target.environment("lab"), Side.GREEN, clock=FakeClock())
    around.platform = Tasks(said)
    return measure(next(one for one in target.checks if one.name == "logs-clean"), around)


def test_lines_without_an_error_break_nothing() -> None:
    found = seen(one=[WELL, WELL], two=[WELL])
    assert (found.value, found.samples) == (0, 2)


def test_an_error_is_named_and_all_of_them_are_kept() -> None:
    found = seen(one=[WELL], two=[WRONG, WELL, WRONG])
    assert (found.value, found.samples) == (1, 2)
    assert f"two: 2 of its last 3 lines are errors, the last: {WRONG}" in found.why
    assert any(one.text == f"{WRONG}\n{WRONG}" for one in found.evidence)


def test_a_task_that_has_said_nothing_is_not_one_without_errors() -> None:
    found = seen(one=[WELL], two=[])
    assert found.value == 1
    assert "two: has said nothing that is kept, for 30s" in found.why


@pytest.mark.parametrize(("trouble", "bad"), [(Missing("no such group"), 1), (Refused("may not"), None)])
def test_a_log_that_is_gone_is_wrong_and_one_that_may_not_be_read_unknown(
    trouble: NoEvidence, bad: int | None
) -> None:
    found = seen(one=[WELL], two=trouble)
    assert found.bad == bad
    assert str(trouble) in found.why


def test_without_a_task_nothing_is_known() -> None:
    assert seen().value is None
