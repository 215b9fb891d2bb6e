"""What controllers decide, purely: placing, collecting, counting, choosing whom to part with, keeping time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.lab.api import ApiError, Object
from fixtures.lab.control import disruption, jobs
from fixtures.lab.control.cron import Schedule, ScheduleError
from fixtures.lab.control.garbage import Step, plan
from fixtures.lab.control.jobs import Tally
from fixtures.lab.control.kinds import DEPLOYMENT, POD, REPLICA_SET, Kind
from fixtures.lab.control.loop import Loop
from fixtures.lab.control.meta import selects, short_hash
from fixtures.lab.control.nodes import wanted_taints
from fixtures.lab.control.pods import dispensable_first
from fixtures.lab.control.quantities import number, requested
from fixtures.lab.control.scheduling import choose, tolerates
from tests import loops

READY = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2025-01-01T00:00:00Z"}]}


def node(
    name: str, labels: dict[str, str] | None = None, room: dict[str, str] | None = None, **spec: Any
) -> Object:
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": spec,
        "status": {**READY, "allocatable": room},
    }


def pod(name: str = "p", where: str = "", owner: str = "", **spec: Any) -> Object:
    owners = [{"uid": owner, "controller": True}] if owner else []
    placed = {"nodeName": where} if where else {}
    return {
        "metadata": {"name": name, "uid": name, "ownerReferences": owners},
        "spec": {"containers": [{}], **placed, **spec},
    }


# --- scheduling --------------------------------------------------------------------------------------------------
@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=12))
def test_pods_of_one_owner_spread_evenly(placed: list[str]) -> None:
    nodes = [node(name) for name in "abc"]
    pods = [pod(f"p{i}", where, "other") for i, where in enumerate(placed)]
    for number_ in range(6):
        pods.append(pod(f"mine-{number_}", choose(pod(owner="me"), nodes, pods).node, "me"))
    mine = [p["spec"]["nodeName"] for p in pods if p["metadata"]["ownerReferences"][0]["uid"] == "me"]
    assert sorted(mine) == ["a", "a", "b", "b", "c", "c"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"nodeSelector": {"pool": "moon"}},
            "1 Too many pods, 1 node(s) didn't match Pod's node affinity/selector",
        ),
        ({"containers": [{"resources": {"requests": {"cpu": "3"}}}]}, "1 Insufficient cpu, 1 Too many pods"),
    ],
)
def test_why_nothing_fits_is_said_node_by_node(spec: Object, why: str) -> None:
    roomy, full = (
        node("a", room={"cpu": "2", "pods": "9"}),
        node("b", {"pool": "moon"}, room={"cpu": "9", "pods": "0"}),
    )
    refused = choose(pod(**spec), [roomy, full, node("c", unschedulable=True)], [])
    assert refused.node == ""
    assert refused.why == f"0/3 nodes are available: {why}, 1 node(s) were unschedulable."


def test_a_node_that_is_not_ready_or_tainted_takes_nobody() -> None:
    down = {**node("a"), "status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    tainted = node("b", taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}])
    said = choose(pod(), [down, tainted], []).why
    assert (
        said
        == "0/2 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 1 node(s) were not ready."
    )
    tolerant = pod(tolerations=[{"key": "gpu", "operator": "Exists"}])
    assert choose(tolerant, [down, tainted], []).node == "b"
    assert choose(pod(), [], []).why == "0/0 nodes are available: no nodes available."


def test_required_affinity_is_required() -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    picky = pod(affinity={"nodeAffinity": required})
    assert choose(picky, [node("one", {"zone": "b"}), node("two", {"zone": "a"})], []).node == "two"


def test_ended_pods_take_no_room() -> None:
    done = {**pod("done", "a"), "status": {"phase": "Succeeded"}}
    assert choose(pod(), [node("a", room={"pods": "1"})], [done]).node == "a"


@pytest.mark.parametrize(
    ("toleration", "covered"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "other"}, False),
    ],
)
def test_tolerations(toleration: Object, covered: bool) -> None:
    assert tolerates(toleration, {"key": "k", "value": "v", "effect": "NoSchedule"}) is covered


def test_cordoning_comes_and_goes_as_a_taint_and_others_stay() -> None:
    own = {"key": "gpu", "effect": "NoSchedule"}
    cordoned = node("a", unschedulable=True, taints=[own])
    taints = wanted_taints(cordoned)
    assert [taint["key"] for taint in taints] == ["gpu", "node.kubernetes.io/unschedulable"]
    assert wanted_taints(node("a", taints=taints)) == [own]
    assert wanted_taints(node("a", unschedulable=True, taints=taints)) == taints


# --- garbage -----------------------------------------------------------------------------------------------------
def thing(uid: str, *owners: str, finalizers: tuple[str, ...] = (), leaving: bool = False) -> Object:
    references = [{"uid": owner, "blockOwnerDeletion": True} for owner in owners]
    metadata: Object = {
        "uid": uid,
        "name": uid,
        "ownerReferences": references,
        "finalizers": list(finalizers),
    }
    return {"metadata": {**metadata, **({"deletionTimestamp": "2025-01-01T00:00:00Z"} if leaving else {})}}


def acts(*things: tuple[Kind, Object], known: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    return [(step.action, step.item["metadata"]["uid"]) for step in plan(things, known)]


def test_whose_owners_are_all_gone_is_deleted() -> None:
    left, kept = (POD, thing("left", "gone")), (POD, thing("kept", "gone", "here"))
    assert acts(left, kept, (REPLICA_SET, thing("here"))) == [("delete", "left")]
    assert acts(left, known=frozenset({"gone"})) == []
    assert acts((POD, thing("free"))) == []
    assert acts((POD, thing("left", "gone", leaving=True))) == []


def test_in_the_foreground_dependents_go_first_level_by_level() -> None:
    owner = (DEPLOYMENT, thing("d", finalizers=("foregroundDeletion",), leaving=True))
    middle, leaf = thing("r", "d"), (POD, thing("p", "r"))
    assert acts(owner, (REPLICA_SET, middle), leaf) == [("delete in foreground", "r")]
    held = (REPLICA_SET, thing("r", "d", finalizers=("foregroundDeletion",), leaving=True))
    assert acts(owner, held, leaf) == [("delete", "p")]
    assert acts(owner, held) == [("finish", "r")]
    assert acts(owner) == [("finish", "d")]


def test_orphans_are_disowned_before_their_owner_goes() -> None:
    owner = (DEPLOYMENT, thing("d", finalizers=("orphan",), leaving=True))
    (step,) = plan([owner, (REPLICA_SET, thing("r", "d"))], frozenset())
    assert step == Step(REPLICA_SET, thing("r", "d"), "disown", owners=("d",))
    assert acts(owner) == [("finish", "d")]


@given(st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=2), max_size=10))
def test_collecting_ends_and_leaves_nothing_without_an_owner(forest: dict[int, list[int]]) -> None:
    things = {str(uid): thing(str(uid), *map(str, owners)) for uid, owners in forest.items()}
    for _ in range(len(things) + 1):
        for step in plan([(POD, item) for item in things.values()], frozenset()):
            del things[step.item["metadata"]["uid"]]
    for item in things.values():
        owners = [reference["uid"] for reference in item["metadata"]["ownerReferences"]]
        assert not owners or any(owner in things for owner in owners)


# --- whom to part with, budgets, jobs ----------------------------------------------------------------------------
def test_a_replica_set_parts_with_the_least_useful_first() -> None:
    def one(name: str, where: str, phase: str, ready_at: str = "", cost: str = "0") -> Object:
        ready = [{"type": "Ready", "status": "True", "lastTransitionTime": ready_at}] if ready_at else []
        item = pod(name, where)
        item["metadata"] |= {
            "creationTimestamp": "t",
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": cost},
        }
        return {**item, "status": {"phase": phase, "conditions": ready}}

    ordered = [
        one("unplaced", "", "Pending"),
        one("pending", "a", "Pending"),
        one("unready", "a", "Running"),
        one("cheap", "b", "Running", "2025-01-01", "-1"),
        one("young", "a", "Running", "2025-01-03"),
        one("old", "a", "Running", "2025-01-01"),
        one("alone", "c", "Running", "2025-01-09"),
    ]
    assert [p["metadata"]["name"] for p in dispensable_first(ordered[::-1])] == [
        p["metadata"]["name"] for p in ordered
    ]


@given(
    healthy=st.integers(0, 9),
    unready=st.integers(0, 9),
    spec=st.one_of(
        st.integers(0, 9).map(lambda n: {"minAvailable": n}),
        st.integers(0, 100).map(lambda n: {"minAvailable": f"{n}%"}),
        st.integers(0, 9).map(lambda n: {"maxUnavailable": n}),
    ),
)
def test_a_budget_never_allows_more_than_what_it_keeps(healthy: int, unready: int, spec: Object) -> None:
    pods = [{**pod(str(i)), "status": READY if i < healthy else {}} for i in range(healthy + unready)]
    status = disruption.status_of({"metadata": {"generation": 1}, "spec": spec}, pods, len(pods))
    assert status["currentHealthy"] == healthy
    assert 0 <= status["disruptionsAllowed"] <= healthy
    if status["disruptionsAllowed"]:
        assert healthy - status["disruptionsAllowed"] == status["desiredHealthy"]


def test_a_pod_on_its_way_out_by_eviction_is_not_counted_twice() -> None:
    pods = [{**pod(name), "status": READY} for name in ("a", "b")]
    budget = {
        "metadata": {},
        "spec": {"minAvailable": 1},
        "status": {"disruptedPods": {"a": "2025-01-01T00:00:00Z", "gone": "2025-01-01T00:00:00Z"}},
    }
    status = disruption.status_of(budget, pods, 2)
    assert (status["currentHealthy"], status["disruptionsAllowed"]) == (1, 0)
    assert status["disruptedPods"] == {"a": "2025-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("tally", "starts", "over"),
    [
        (Tally(0, 0, 0, 0), 2, None),
        (Tally(2, 1, 0, 0), 0, None),
        (Tally(0, 0, 2, 0), 1, None),
        (Tally(0, 0, 3, 0), 0, "Complete"),
        (Tally(0, 0, 0, 1), 2, None),
        (Tally(1, 0, 0, 2), 1, "Failed"),
    ],
)
def test_a_job_starts_what_is_missing_and_knows_when_it_is_over(
    tally: Tally, starts: int, over: str | None
) -> None:
    job = {"spec": {"completions": 3, "parallelism": 2, "backoffLimit": 1}}
    assert jobs.to_start(job, tally) == starts
    verdict = jobs.verdict(job, tally, datetime.now(UTC))
    assert (verdict and verdict[0]) == over


# --- cron --------------------------------------------------------------------------------------------------------
field = st.sampled_from(["*", "0", "5", "*/7", "1-5", "2,4", "3-6/2"])
moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


@given(minute=field, hour=field, day=st.sampled_from(["*", "1", "29-31"]), weekday=field, at=moments)
def test_the_next_minute_matches_and_none_before_it_does(
    minute: str, hour: str, day: str, weekday: str, at: datetime
) -> None:
    schedule = Schedule.parse(f"{minute} {hour} {day} * {weekday}")
    following = schedule.after(at)
    assert following
    assert following > at
    assert schedule.matches(following)
    probe = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(2000):
        if probe >= following:
            break
        assert not schedule.matches(probe)
        probe += timedelta(minutes=1)
    assert schedule.latest(at, following) == following
    assert schedule.latest(at, following - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("text", "at", "following"),
    [
        ("30 2 * * 0", "2025-05-31T00:00", "2025-06-01T02:30"),  # a Sunday
        ("0 0 29 2 *", "2025-01-01T00:00", "2028-02-29T00:00"),
        ("0 0 13 * fri", "2025-06-01T00:00", "2025-06-06T00:00"),  # a Friday or a 13th
        ("@hourly", "2025-06-01T23:59", "2025-06-02T00:00"),
        ("0 12 * jan,jul mon-fri", "2025-06-01T00:00", "2025-07-01T12:00"),
        ("15/20 * * * *", "2025-06-01T00:16", "2025-06-01T00:35"),
    ],
)
def test_known_schedules(text: str, at: str, following: str) -> None:
    assert Schedule.parse(text).after(datetime.fromisoformat(at)) == datetime.fromisoformat(following)


def test_a_day_that_never_comes_is_none() -> None:
    assert Schedule.parse("0 0 30 2 *").after(datetime(2025, 1, 1)) is None


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *"],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        Schedule.parse(text)


# --- small things ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100m", 0.1),
        ("2", 2),
        ("1.5Gi", 1.5 * 2**30),
        ("500M", 5e8),
        ("1e3", 1000),
        ("0.5", 0.5),
        ("250n", 2.5e-7),
        (3, 3),
    ],
)
def test_quantities(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


def test_a_limit_without_a_request_is_a_request() -> None:
    containers = [
        {"resources": {"limits": {"cpu": "1"}}},
        {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "0.5"}}},
    ]
    assert requested(containers, "cpu") == 1.5


def test_an_empty_selector_selects_all_and_none_selects_nothing() -> None:
    assert selects({}, {"a": "1"})
    assert not selects(None, {"a": "1"})
    expression = {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}
    assert not selects(expression, {"a": "1"})
    assert selects(expression, {})
    with pytest.raises(ValueError, match="Near"):
        selects({"matchExpressions": [{"key": "a", "operator": "Near"}]}, {"a": "1"})


@given(st.text(), st.text())
def test_hashes_are_names_and_tell_templates_apart(one: str, other: str) -> None:
    assert len(short_hash(one)) == 10
    assert short_hash(one).isalnum()
    assert (short_hash(one) == short_hash(other)) == (one == other)


# --- the queue ---------------------------------------------------------------------------------------------------
def test_a_key_added_while_it_is_looked_at_is_looked_at_once_more_and_never_twice_at_once() -> None:
    async def main() -> list[str]:
        looks: list[str] = []
        done = asyncio.Event()

        async def look(key: str) -> None:
            assert looks.count("begin") == looks.count("end")
            looks.append("begin")
            if looks == ["begin"]:
                for _ in range(3):
                    loop.add(key)
            await asyncio.sleep(0)
            looks.append("end")
            if len(looks) == 4:
                done.set()

        loop: Loop[str] = Loop("test", look)
        for _ in range(3):
            loop.add("key")
        task = asyncio.create_task(loop.run())
        await asyncio.wait_for(done.wait(), 1)
        await asyncio.sleep(0.05)
        task.cancel()
        return looks

    assert loops.run(main()) == ["begin", "end"] * 2


def test_a_refusal_is_tried_again_and_a_wish_to_look_later_is_kept() -> None:
    async def main() -> int:
        looks, done = 0, asyncio.Event()

        async def look(_: str) -> float | None:
            nonlocal looks
            looks += 1
            if looks < 3:
                raise ApiError(409, "Conflict", "it was modified", "/x")
            if looks == 3:
                return 0.01
            done.set()
            return None

        loop: Loop[str] = Loop("test", look)
        loop.add("key")
        task = asyncio.create_task(loop.run())
        await asyncio.wait_for(done.wait(), 2)
        task.cancel()
        return looks

    assert loops.run(main()) == 4
