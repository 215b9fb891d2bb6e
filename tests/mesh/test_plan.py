"""What Envoy is told, for each thing that Services and Istio's objects can say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.mesh.envoy import duration, seconds
from fixtures.lab.mesh.plan import Files, plan
from fixtures.lab.mesh.routes import ROUTE_TIMEOUT_S, plain_route, routes
from fixtures.lab.mesh.snapshot import Snapshot, service_key
from fixtures.lab.pki import KeyPair
from tests.mesh.manifests import (
    Object,
    certificate,
    gateway,
    pod,
    policy,
    service,
    store,
    to,
    virtual_service,
)


def route(rule: Object) -> Object:
    """The first route of a VirtualService with this rule, where each cluster is called by its destination's host."""
    made = routes(
        virtual_service("blue", "v", ["web"], http=[rule]), lambda destination: str(destination["host"])
    )
    return made[0]


def action(**rule: Any) -> Object:
    found: Object = route({"route": [to("web")], **rule})["route"]
    return found


def resources(files: Files, name: str) -> list[Object]:
    path = next(path for path in files if str(path).endswith(name))
    found: list[Object] = json.loads(files[path])["resources"]
    return found


def planned(objects: list[Object], tmp_path: Path) -> Files:
    return plan(Snapshot.of(objects), Layout(200, tmp_path))


def endpoints(files: Files, cluster: str) -> list[str]:
    groups = next(c for c in resources(files, "clusters.json") if c["name"] == cluster)["load_assignment"][
        "endpoints"
    ]
    addresses = [e["endpoint"]["address"]["socket_address"] for e in groups[0]["lb_endpoints"]]
    return [f"{a['address']}:{a['port_value']}" for a in addresses]


# --- VirtualServices --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, {"prefix": "/"}),
        ({"uri": {"exact": "/a"}}, {"path": "/a"}),
        ({"uri": {"prefix": "/a"}}, {"prefix": "/a"}),
        (
            {"uri": {"regex": "/a.*"}, "ignoreUriCase": True},
            {"safe_regex": {"regex": "/a.*"}, "case_sensitive": False},
        ),
        ({"method": {"exact": "GET"}}, {"headers": [{"name": ":method", "string_match": {"exact": "GET"}}]}),
        ({"headers": {"X-Any": {}}}, {"headers": [{"name": "x-any", "present_match": True}]}),
        (
            {"withoutHeaders": {"x": {"prefix": "p"}}},
            {"headers": [{"name": "x", "string_match": {"prefix": "p"}, "invert_match": True}]},
        ),
        (
            {"queryParams": {"q": {"exact": "1"}}},
            {"query_parameters": [{"name": "q", "string_match": {"exact": "1"}}]},
        ),
    ],
)
def test_a_condition_is_envoys_match(condition: Object, expected: Object) -> None:
    made = route({"match": [condition], "route": [to("web")]})["match"]
    assert (
        made == {"prefix": "/", **expected}
        if {"path", "prefix", "safe_regex"}.isdisjoint(expected)
        else expected
    )


def test_each_of_several_conditions_is_enough() -> None:
    rule = {"match": [{"uri": {"exact": "/a"}}, {"uri": {"exact": "/b"}}], "route": [to("web")]}
    made = routes(virtual_service("blue", "v", ["web"], http=[rule, {"route": [to("web")]}]), lambda _: "c")
    assert [r["match"] for r in made] == [{"path": "/a"}, {"path": "/b"}, {"prefix": "/"}]


@pytest.mark.parametrize(
    ("destinations", "shares"),
    [
        ([to("web")], {"web": 100}),
        ([to("web", 95), to("web.green", 5)], {"web": 95, "web.green": 5}),
        ([to("web", 0), to("web.green", 100)], {"web.green": 100}),
        ([to("web", 30), to("web.green")], {"web": 30}),
    ],
)
def test_weights_are_kept_and_nothing_goes_where_none_is_stated(
    destinations: list[Object], shares: Object
) -> None:
    clusters = action(route=destinations)["weighted_clusters"]["clusters"]
    assert {c["name"]: c["weight"] for c in clusters} == shares


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, {"timeout": duration(ROUTE_TIMEOUT_S)}),
        ({"timeout": "1m30s"}, {"timeout": "90.000s"}),
        ({"timeout": "0s"}, {"timeout": "0.000s"}),
        ({"rewrite": {"uri": "/b"}, "match": [{"uri": {"prefix": "/a"}}]}, {"prefix_rewrite": "/b"}),
        ({"rewrite": {"authority": "b"}}, {"host_rewrite_literal": "b"}),
        (
            {"mirror": {"host": "shadow"}, "mirrorPercentage": {"value": 12.5}},
            {
                "request_mirror_policies": [
                    {
                        "cluster": "shadow",
                        "runtime_fraction": {
                            "default_value": {"numerator": 125_000, "denominator": "MILLION"}
                        },
                    }
                ]
            },
        ),
    ],
)
def test_a_rule_says_how_long_and_under_which_name(rule: Object, expected: Object) -> None:
    assert expected.items() <= action(**rule).items()


def test_what_never_reached_a_pod_is_retried_and_nothing_else_unless_asked_for() -> None:
    unstated = action()["retry_policy"]
    assert unstated["retry_on"] == "connect-failure,refused-stream,unavailable,cancelled"
    assert unstated["num_retries"] == 2
    assert plain_route("web.blue:80")["route"]["retry_policy"] == unstated
    assert "retry_policy" not in action(retries={"attempts": 0})
    made = action(retries={"attempts": 2, "perTryTimeout": "250ms", "retryOn": "reset,503"})["retry_policy"]
    assert made["retry_on"] == "reset,retriable-status-codes"
    assert (made["num_retries"], made["retriable_status_codes"], made["per_try_timeout"]) == (
        2,
        [503],
        "0.250s",
    )


def test_redirects_and_answers_need_no_destination() -> None:
    made = route({"redirect": {"uri": "/x", "authority": "a", "redirectCode": 302}})["redirect"]
    assert made == {"response_code": "FOUND", "path_redirect": "/x", "host_redirect": "a"}
    answer = route({"directResponse": {"status": 503, "body": {"string": "維護中"}}})["direct_response"]
    assert answer == {"status": 503, "body": {"inline_string": "維護中"}}


@pytest.mark.parametrize(
    ("stated", "millionths"),
    [({"percentage": {"value": 0.1}}, 1000), ({"percent": 50}, 500_000), ({}, 0), ({"percentage": {}}, 0)],
)
def test_a_fault_strikes_nobody_unless_a_share_is_stated(stated: Object, millionths: int) -> None:
    made = route({"fault": {"delay": {"fixedDelay": "3s", **stated}}, "route": [to("web")]})
    delay = made["typed_per_filter_config"]["envoy.filters.http.fault"]["delay"]
    assert delay == {
        "fixed_delay": "3.000s",
        "percentage": {"numerator": millionths, "denominator": "MILLION"},
    }


@pytest.mark.parametrize(("text", "length_s"), [("250ms", 0.25), ("15s", 15), ("1h2m3.5s", 3723.5)])
def test_istios_durations_are_read(text: str, length_s: float) -> None:
    assert seconds(text) == pytest.approx(length_s)


@pytest.mark.parametrize("text", ["", "15", "s", "1d", "15 s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        seconds(text)


# --- Services and DestinationRules ------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["web", "web.blue", "web.blue.svc", "web.blue.svc.cluster.local"])
def test_a_service_has_four_names(host: str) -> None:
    assert service_key(host, "blue") == ("blue", "web")


def test_endpoints_are_the_ready_pods_that_the_selector_finds(tmp_path: Path) -> None:
    leaving = pod("blue", "web-4", "127.200.65.5")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ended = pod("blue", "web-5", "127.200.65.6")
    ended["status"]["phase"] = "Succeeded"
    objects = [
        service("blue", "web", "10.96.0.11"),
        pod("blue", "web-1", "127.200.65.2", ports={"http": 3001}),
        pod("blue", "web-2", "127.200.65.3", ready=False),
        pod("blue", "other-1", "127.200.65.4"),
        pod("green", "web-1", "127.200.66.2"),
        leaving,
        ended,
    ]
    assert endpoints(planned(objects, tmp_path), "web.blue:80") == ["127.200.65.2:3001"]


def test_a_store_is_where_its_annotation_says(tmp_path: Path) -> None:
    files = planned([store("blue", "db", "10.96.0.13", "127.200.0.20:5432")], tmp_path)
    assert endpoints(files, "db.blue:5432") == ["127.200.0.20:5432"]
    listener = resources(files, "listeners.json")[0]
    assert listener["address"]["socket_address"] == {"address": "127.200.1.13", "port_value": 5432}
    assert listener["filter_chains"][0]["filters"][0]["name"] == "envoy.filters.network.tcp_proxy"


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"selector": {}}, {"clusterIP": None}])
def test_a_service_that_leads_nowhere_is_not_served(tmp_path: Path, spec: Object) -> None:
    headless = service("blue", "web", "10.96.0.11")
    headless["spec"] |= spec
    files = planned([headless], tmp_path)
    assert (resources(files, "listeners.json"), json.loads(files[tmp_path / "hosts.json"])) == ([], {})


def test_hosts_come_first(tmp_path: Path) -> None:
    files = planned([service("blue", "web", "10.96.0.11")], tmp_path)
    first = next(iter(files))
    assert (first, json.loads(files[first])) == (tmp_path / "hosts.json", {"web.blue": "127.200.1.11"})


def destination_rule(**spec: Any) -> Object:
    return {
        "kind": "DestinationRule",
        "metadata": {"namespace": "blue", "name": "d"},
        "spec": {"host": "web", **spec},
    }


def test_a_destination_rule_divides_limits_and_ejects(tmp_path: Path) -> None:
    policy_of_all: Mapping[str, Any] = {
        "connectionPool": {
            "tcp": {"maxConnections": 7, "connectTimeout": "3s"},
            "http": {"http1MaxPendingRequests": 1},
        },
        "outlierDetection": {"consecutive5xxErrors": 3, "interval": "2s", "baseEjectionTime": "5s"},
        "loadBalancer": {"simple": "LEAST_REQUEST"},
    }
    objects = [
        service("blue", "web", "10.96.0.11"),
        pod("blue", "web-1", "127.200.65.2", labels={"app": "web", "version": "1"}),
        pod("blue", "web-2", "127.200.65.3", labels={"app": "web", "version": "2"}),
        destination_rule(trafficPolicy=policy_of_all, subsets=[{"name": "v2", "labels": {"version": "2"}}]),
        virtual_service("blue", "v", ["web"], http=[{"route": [to("web", subset="v2")]}]),
    ]
    files = planned(objects, tmp_path)
    assert endpoints(files, "web.blue:80:v2") == ["127.200.65.3:3000"]
    made = resources(files, "clusters.json")[0]
    assert made["circuit_breakers"]["thresholds"][0]["max_connections"] == 7
    assert (made["connect_timeout"], made["lb_policy"]) == ("3.000s", "LEAST_REQUEST")
    assert made["outlier_detection"]["consecutive_5xx"] == 3
    routed = resources(files, "services.json")[0]["virtual_hosts"][0]["routes"][0]["route"]
    assert routed["weighted_clusters"]["clusters"][0]["name"] == "web.blue:80:v2"


# --- the whole --------------------------------------------------------------------------------------------------------
def test_a_pod_that_comes_changes_no_filter_chain(objects: list[Object], tmp_path: Path) -> None:
    """Envoy keeps the connections of a chain that is the same byte for byte."""
    closed = [*objects, policy("blue", "own", ingress=[{"from": [{"podSelector": {}}]}])]
    before = resources(planned(closed, tmp_path), "listeners.json")
    after = resources(
        planned([*closed, pod("blue", "client-2", "127.200.65.10")], tmp_path), "listeners.json"
    )
    assert [listener["filter_chains"] for listener in after] == [
        listener["filter_chains"] for listener in before
    ]
    assert after != before


def test_a_virtual_service_that_makes_no_sense_is_passed_over(objects: list[Object], tmp_path: Path) -> None:
    broken = virtual_service("blue", "broken", ["web"], http=[{"timeout": "soon", "route": [to("web")]}])
    files = planned([*objects, broken], tmp_path)
    assert resources(files, "services.json")[0]["virtual_hosts"][0]["routes"][0]["name"] == "web.blue:80"


@pytest.mark.parametrize(
    ("gateways", "bound"),
    [(["blue/door"], True), (["door"], True), (["green/door"], False), (["mesh"], False), (None, False)],
)
def test_only_what_names_the_gateway_is_served_at_the_front_door(
    objects: list[Object], tmp_path: Path, gateways: list[str] | None, bound: bool
) -> None:
    spec = {"gateways": gateways} if gateways else {}
    other = virtual_service("blue", "v", ["shop.example"], http=[{"route": [to("web")]}], **spec)
    files = planned([o for o in objects if o["kind"] != "VirtualService"] + [other], tmp_path)
    domains = [host["domains"] for host in resources(files, "front-door.json")[0]["virtual_hosts"]]
    assert domains == ([["shop.example"], ["127.200.0.10"]] if bound else [])


def test_a_gateway_does_not_serve_hosts_that_are_not_its_own(objects: list[Object], tmp_path: Path) -> None:
    other = virtual_service("blue", "v", ["other.example"], http=[{"route": [to("web")]}], gateways=["door"])
    files = planned([*objects, other], tmp_path)
    hosts = {host["name"] for host in resources(files, "front-door.json")[0]["virtual_hosts"]}
    assert hosts == {"shop.example", "127.200.0.10"}


def test_a_gateway_at_another_port_is_a_door_of_its_own(objects: list[Object], tmp_path: Path) -> None:
    """With a certificate of its own, and hosts that the front door does not serve."""
    own = gateway("green", "own", credentialName="own-tls")
    own["spec"]["servers"][0] |= {"port": {"number": 8444}, "hosts": ["green.example"]}
    rules = [{"route": [to("web")]}]
    led = virtual_service("green", "own", ["green.example"], gateways=["own"], http=rules)
    pair = certificate("green", "own-tls", KeyPair(b"other", b"key"))
    files = planned([*objects, own, led, pair], tmp_path)
    doors = [one for one in resources(files, "listeners.json") if one["name"].startswith("front-door")]
    ports = {one["name"]: one["address"]["socket_address"]["port_value"] for one in doors}
    assert ports == {"front-door": 8443, "front-door-8444": 8444}
    hosts = [one["name"] for one in resources(files, "front-door-8444.json")[0]["virtual_hosts"]]
    assert hosts == ["green.example", "127.200.0.10"]
    shown = [resources(files, f"certificate{suffix}.json")[0] for suffix in ("", "-8444")]
    assert shown[0]["name"] != shown[1]["name"]
    assert shown[0]["tls_certificate"] != shown[1]["tls_certificate"]


def test_the_same_cluster_gives_the_same_files(objects: list[Object], tmp_path: Path) -> None:
    assert planned(objects, tmp_path) == planned(list(reversed(objects)), tmp_path)
