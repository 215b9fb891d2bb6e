"""Who is cut off by NetworkPolicies, and nobody besides: held against the lab's own reading of policies."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.evidence import Missing
from scenarios.faults.acts import Edit, Make
from scenarios.faults.cutting import Address, Pods, concerned, matches, partition
from scenarios.faults.edits import ABSENT, Change, covers

SPACE = {"kubernetes.io/metadata.name": "shop", "environment": "green"}
WEB = Pods({"app": "web", "version": "2"}, {"app": "web"}, SPACE)
API = Pods({"app": "api", "version": "2"}, {"app": "api"}, SPACE)
JOBS = {"app": "jobs"}
STORE = Address("10.0.0.5")


def policy(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop", "uid": name}, "spec": spec}


def after(
    policies: list[dict[str, Any]], subject: Pods, direction: Any, whom: Pods | Address
) -> list[dict[str, Any]]:
    """The policies as they are with the fault in."""
    found = {one["metadata"]["name"]: copy.deepcopy(one) for one in policies}
    for act in partition(policies, subject, direction, whom):
        if isinstance(act, Edit):
            for change in act.changes:
                change.write(found[act.ref.name], change.put)
        else:
            assert isinstance(act, Make)
            found[act.ref.name] = {"metadata": {"name": act.ref.name}, **act.body}
    return list(found.values())


def hears(policies: list[dict[str, Any]], subject: Pods, who: dict[str, str]) -> bool:
    """Whether pods with those labels, of the same namespace, reach the subject."""
    about = [one["spec"] for one in policies if matches(one["spec"]["podSelector"], subject.labels)]
    closed = [spec for spec in about if "Ingress" in spec["policyTypes"]]
    peers = [peer for spec in closed for rule in spec.get("ingress", ()) for peer in rule["from"]]
    pods = [peer for peer in peers if "podSelector" in peer or "namespaceSelector" in peer]
    return not closed or any(
        matches(peer.get("namespaceSelector") or {}, SPACE) and matches(peer.get("podSelector") or {}, who)
        for peer in pods
    )


@pytest.mark.parametrize(
    "peers",
    [
        [{"podSelector": {"matchLabels": {"app": "api"}}}, {"podSelector": {"matchLabels": JOBS}}],
        [{"podSelector": {}}],
        [{"namespaceSelector": {}}],
        [{"namespaceSelector": {"matchLabels": {"environment": "green"}}, "podSelector": {}}],
        [
            {
                "podSelector": {
                    "matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "jobs"]}]
                }
            }
        ],
    ],
)
def test_the_one_is_cut_off_and_the_other_is_not(peers: list[Any]) -> None:
    rules = [{"from": peers}]
    policies = [
        policy("deny", podSelector={}, policyTypes=["Ingress", "Egress"]),
        policy(
            "allow",
            podSelector={"matchLabels": {"app": "web"}},
            policyTypes=["Ingress"],
            ingress=rules,
        ),
        policy(
            "elsewhere", podSelector={"matchLabels": JOBS}, policyTypes=["Ingress"], ingress=[{"from": [{}]}]
        ),
    ]
    assert hears(policies, WEB, dict(API.labels))
    changed = after(policies, WEB, "ingress", API)
    assert not hears(changed, WEB, dict(API.labels))
    assert hears(changed, WEB, JOBS)
    assert changed[2] == policies[2]


def test_where_no_policy_closes_it_one_is_added_that_lets_everybody_else_in() -> None:
    policies = [policy("other", podSelector={"matchLabels": JOBS}, policyTypes=["Ingress"], ingress=[])]
    changed = after(policies, WEB, "ingress", API)
    assert len(changed) == 2
    assert not hears(changed, WEB, dict(API.labels))
    assert hears(changed, WEB, JOBS)


def test_whoever_lets_anybody_in_is_said_so() -> None:
    policies = [policy("open", podSelector={}, policyTypes=["Ingress"], ingress=[{}])]
    with pytest.raises(Missing, match="open allows anybody"):
        partition(policies, WEB, "ingress", API)


@pytest.mark.parametrize(
    ("block", "narrowed"),
    [
        ({"cidr": "10.0.0.5/32"}, {"podSelector": {"matchLabels": {"verdigris.dev/nobody": "nobody"}}}),
        ({"cidr": "10.0.0.0/8"}, {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.5/32"]}}),
        ({"cidr": "10.0.0.0/8", "except": ["10.0.0.0/24"]}, None),
        ({"cidr": "192.168.0.0/16"}, None),
    ],
)
def test_an_address_is_cut_out_of_the_blocks_that_hold_it(block: Any, narrowed: Any) -> None:
    assert STORE.narrowed({"ipBlock": block}) == narrowed


JSON = st.recursive(
    st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)


@given(st.dictionaries(st.sampled_from("abc"), JSON), PATHS, JSON)
def test_a_change_put_in_and_taken_out_leaves_no_trace(
    found: dict[str, Any], path: tuple[str, ...], put: Any
) -> None:
    change = Change.plan(found, path, put)
    changed = copy.deepcopy(found)
    try:
        change.write(changed, change.put)
    except (TypeError, IndexError):
        return  # the path leads through something that has no names in it
    assert change.is_in(changed)
    change.write(changed, change.before)
    assert changed == found
    assert change.is_out(changed)


@given(st.dictionaries(st.sampled_from("abc"), JSON), PATHS, JSON)
def test_a_change_is_the_same_when_read_again(found: dict[str, Any], path: tuple[str, ...], put: Any) -> None:
    change = Change.plan(found, path, put)
    assert Change.of_json(change.as_json()) == change


@given(JSON)
def test_what_the_platform_adds_by_default_hides_no_fault(put: Any) -> None:
    assert covers(put, put)
    assert covers({"fault": put, "default": 1}, {"fault": put})
    assert not covers(ABSENT, {"fault": put})


def test_whoever_shares_a_narrowed_policy_is_concerned_and_nobody_else() -> None:
    to_store = [{"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}]
    shared = policy("all-to-store", podSelector={}, policyTypes=["Egress"], egress=to_store)
    own = policy(
        "web-to-store", podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Egress"], egress=to_store
    )
    assert concerned(partition([shared], WEB, "egress", STORE), [shared], JOBS)
    assert concerned(partition([shared, own], WEB, "egress", STORE), [shared, own], JOBS)
    assert not concerned(partition([own], WEB, "egress", STORE), [own], JOBS)
    assert concerned(partition([own], WEB, "egress", STORE), [own], WEB.labels)
    assert not concerned(partition([], WEB, "egress", STORE), [], JOBS)  # one of its own was added
