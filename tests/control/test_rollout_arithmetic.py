"""The pure part of a rollout: whatever the numbers, it keeps its bounds and arrives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lab.api import Object
from fixtures.lab.control.meta import condition_of, stamp
from fixtures.lab.control.rollout import Bounds, Share, next_step, rescaled, resolved
from fixtures.lab.control.rollout_status import COMPLETE, TIMED_OUT, Rollout, deadline_left_s, status_of

NOW = datetime(2025, 5, 31, 12, 0, tzinfo=UTC)
counts = st.integers(0, 12)
amounts = st.one_of(st.integers(0, 6), st.integers(0, 100).map(lambda percent: f"{percent}%"))


@given(counts, amounts, amounts)
def test_a_rollout_can_always_move(replicas: int, surge: int | str, unavailable: int | str) -> None:
    bounds = Bounds.of(replicas, surge, unavailable)
    assert bounds.surge > 0 or bounds.unavailable > 0
    assert 0 <= bounds.floor <= replicas <= max(bounds.ceiling, 0)


@given(
    replicas=st.integers(1, 12),
    surge=amounts,
    unavailable=amounts,
    old=st.lists(st.tuples(counts, st.booleans()), max_size=3),
    eager=st.booleans(),
)
def test_a_rollout_keeps_its_bounds_and_arrives(
    replicas: int, surge: int | str, unavailable: int | str, old: list[tuple[int, bool]], eager: bool
) -> None:
    """New pods become available one at a time between the controller's looks, or only when it has
    nothing more to do (eager)."""
    bounds = Bounds.of(replicas, surge, unavailable)
    new = Share("new", 0, 0)
    olds = [Share(f"old-{i}", size, size if good else 0) for i, (size, good) in enumerate(old)]
    start_total = sum(share.replicas for share in olds)
    start_available = sum(share.available for share in olds)
    for _ in range(200):
        if new.available < new.replicas and not (eager and next_step(bounds, new, olds)):
            new = Share("new", new.replicas, new.available + 1)
        sizes = next_step(bounds, new, olds)
        size = sizes.get("new", new.replicas)
        new = Share("new", size, min(size, new.available))
        olds = [_scaled(share, sizes.get(share.name, share.replicas)) for share in olds]
        total = new.replicas + sum(share.replicas for share in olds)
        available = new.available + sum(share.available for share in olds)
        assert total <= max(bounds.ceiling, start_total)
        assert available >= min(bounds.floor, start_available)
    assert new == Share("new", replicas, replicas)
    assert all(share.replicas == 0 for share in olds)


def _scaled(share: Share, size: int) -> Share:
    """A ReplicaSet that shrinks gives up the pods that serve nobody first."""
    idle = share.replicas - share.available
    lost = max(0, share.replicas - size - idle)
    return Share(share.name, size, share.available - lost)


@given(replicas=counts, shares=st.lists(st.integers(1, 10), min_size=1, max_size=4), surge=st.integers(0, 3))
def test_scaling_in_the_middle_of_a_rollout_uses_exactly_what_it_may(
    replicas: int, shares: list[int], surge: int
) -> None:
    bounds = Bounds.of(replicas, surge, 1)
    parts = [Share(str(i), size, size) for i, size in enumerate(shares)]
    sizes = {share.name: share.replicas for share in parts} | rescaled(bounds, parts)
    assert all(size >= 0 for size in sizes.values())
    wanted = replicas if len(parts) == 1 else bounds.ceiling
    assert sum(sizes.values()) == wanted


@pytest.mark.parametrize(
    ("value", "total", "up", "expected"),
    [("25%", 10, True, 3), ("25%", 10, False, 2), ("100%", 3, True, 3), (2, 10, True, 2), ("0%", 5, True, 0)],
)
def test_percentages_round_the_safe_way(value: int | str, total: int, up: bool, expected: int) -> None:
    assert resolved(value, total, up=up) == expected


# --- status ----------------------------------------------------------------------------------------------------------
def deployment(status: Object | None = None, **spec: object) -> Object:
    spec = {"replicas": 2, "progressDeadlineSeconds": 10, **spec}
    return {"metadata": {"name": "web", "generation": 3}, "spec": spec, "status": status or {}}


def replica_set(replicas: int, available: int) -> Object:
    status = {"replicas": replicas, "readyReplicas": available, "availableReplicas": available}
    return {"metadata": {"name": "web-1"}, "spec": {"replicas": replicas}, "status": status}


def seen(item: Object, new: Object, at: datetime = NOW) -> Object:
    return status_of(Rollout(item, new, [], Bounds.of(2, 1, 0)), at)


def progressing(status: Object) -> tuple[str, str]:
    found = condition_of({"status": status}, "Progressing")
    assert found
    return found["status"], found["reason"]


def test_progress_is_told_then_completion_and_then_nothing_more() -> None:
    first = seen(deployment(), replica_set(2, 0))
    assert progressing(first) == ("True", "ReplicaSetUpdated")
    done = seen(deployment(first), replica_set(2, 2), NOW + timedelta(seconds=5))
    assert progressing(done) == ("True", COMPLETE)
    later = seen(deployment(done), replica_set(2, 1), NOW + timedelta(days=1))
    assert progressing(later) == ("True", COMPLETE)  # a pod that dies later is not a rollout
    assert condition_of({"status": later}, "Available") == {
        "type": "Available",
        "status": "False",
        "reason": "MinimumReplicasUnavailable",
        "message": "Deployment does not have minimum availability.",
        "lastUpdateTime": stamp(NOW + timedelta(days=1)),
        "lastTransitionTime": stamp(NOW + timedelta(days=1)),
    }


def test_a_rollout_without_progress_times_out_and_may_still_recover() -> None:
    first = seen(deployment(), replica_set(2, 0))
    assert deadline_left_s(deployment(first), NOW + timedelta(seconds=4)) == 6
    assert seen(deployment(first), replica_set(2, 0), NOW + timedelta(seconds=9)) == first
    late = seen(deployment(first), replica_set(2, 0), NOW + timedelta(seconds=10))
    assert progressing(late) == ("False", TIMED_OUT)
    assert progressing(seen(deployment(late), replica_set(2, 2), NOW + timedelta(minutes=1))) == (
        "True",
        COMPLETE,
    )


def test_without_a_deadline_nothing_is_said_of_progress() -> None:
    status = seen(deployment(progressDeadlineSeconds=None), replica_set(2, 0))
    assert condition_of({"status": status}, "Progressing") is None


def test_the_status_is_of_the_generation_it_has_seen() -> None:
    status = seen(deployment(), replica_set(3, 1))
    assert status["observedGeneration"] == 3
    assert (status["updatedReplicas"], status["unavailableReplicas"]) == (3, 2)
