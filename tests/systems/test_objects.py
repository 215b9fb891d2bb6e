"""The objects that Hwayo puts into the cluster: they fit together, and hold what the gate will ask for."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.systems.hwayo import SYSTEM
from fixtures.lab.systems.hwayo.catalogue import SERVICES, SIDES, Side
from fixtures.lab.systems.hwayo.database import stores
from fixtures.lab.systems.hwayo.services.auth_service import HASHER

LAYOUT = Layout(subnet=201, home=Path("/nowhere"))
CREDENTIALS = {
    **SYSTEM.credentials,
    "database": "d'b",
    "database_owner": "o'w",
    "cache": "cache-word",
    "token_key": "key",
}
OBJECTS = SYSTEM.objects(LAYOUT, CREDENTIALS)


def of(kind: str, namespace: str = "") -> dict[str, dict[str, Any]]:
    """name -> object"""
    return {
        item["metadata"]["name"]: item
        for item in OBJECTS
        if item["kind"] == kind and item["metadata"].get("namespace", "") == namespace
    }


def pods(side: Side) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each deployment's template and its container."""
    for deployment in of("Deployment", side.namespace).values():
        template = deployment["spec"]["template"]
        yield template, template["spec"]["containers"][0]


sides = pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)


def test_no_object_is_there_twice() -> None:
    keys = [
        (item["apiVersion"], item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
        for item in OBJECTS
    ]
    assert len(keys) == len(set(keys))
    assert json.loads(json.dumps(OBJECTS)) == OBJECTS


@sides
def test_every_reference_of_a_deployment_is_met(side: Side) -> None:
    secrets, configs = of("Secret", side.namespace), of("ConfigMap", side.namespace)
    accounts = of("ServiceAccount", side.namespace)
    assert len(list(pods(side))) == len(SERVICES) == 6
    for template, container in pods(side):
        spec = template["spec"]
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False
        for source in container["envFrom"]:
            known = secrets if "secretRef" in source else configs
            assert next(iter(source.values()))["name"] in known
        volumes = {volume["name"] for volume in spec["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert {v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v} <= configs.keys()
        repository, tag = container["image"].rsplit(":", 1)
        assert tag in SYSTEM.images[repository].tags
        assert tag == template["metadata"]["labels"]["version"] == side.tag


@sides
def test_services_and_budgets_select_their_pods(side: Side) -> None:
    labels = [template["metadata"]["labels"] for template, _ in pods(side)]
    for name, service in of("Service", side.namespace).items():
        selector = service["spec"].get("selector")
        if selector is None:
            upstream = service["metadata"]["annotations"]["lab.verdigris/upstream"]
            assert upstream in (LAYOUT.database, LAYOUT.cache)
            continue
        assert [one for one in labels if selector.items() <= one.items()] == [
            labels[[x["app"] for x in labels].index(name)]
        ]
        assert service["spec"]["ports"][0] == {
            "name": "http",
            "port": 80,
            "targetPort": 3000,
            "protocol": "TCP",
        }
    assert of("PodDisruptionBudget", side.namespace).keys() == {spec.name for spec in SERVICES}


@sides
def test_a_service_is_given_all_that_it_reads(side: Side) -> None:
    """Each process can be built from what its container's envFrom resolves to, and nothing else."""
    secrets, configs = of("Secret", side.namespace), of("ConfigMap", side.namespace)
    for (template, container), spec in zip(pods(side), SERVICES, strict=True):
        env = {"POD_IP": "127.0.0.1", "POD_NAME": "p", "POD_IMAGE": container["image"], "POD_ROOT": "/"}
        for source in container["envFrom"]:
            if "secretRef" in source:
                data = secrets[source["secretRef"]["name"]]["data"]
                env |= {key: base64.b64decode(text).decode() for key, text in data.items()}
            else:
                env |= configs[source["configMapRef"]["name"]]["data"]
        module = importlib.import_module(SYSTEM.images[container["image"].rsplit(":", 1)[0]].module)
        assert callable(module.main)
        service = module.build(env)
        assert service.identity.side == side.name == template["metadata"]["labels"]["side"]
        probe = container["readinessProbe"]["httpGet"]
        assert probe == {"path": spec.health, "port": 3000}
        assert probe["path"] in {
            route.resource.canonical for route in service.app.router.routes() if route.resource
        }


@sides
def test_pods_are_restricted(side: Side) -> None:
    for template, container in pods(side):
        pod, own = template["spec"]["securityContext"], container["securityContext"]
        assert pod["runAsNonRoot"] is True
        assert pod["runAsUser"] == 10001
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert template["spec"]["automountServiceAccountToken"] is False
        assert int(container["resources"]["limits"]["memory"].removesuffix("Mi")) >= 256


@sides
def test_a_role_reads_one_config_map_and_is_bound_to_its_own_account(side: Side) -> None:
    roles, bindings = of("Role", side.namespace), of("RoleBinding", side.namespace)
    for spec in SERVICES:
        (rule,) = roles[spec.name]["rules"]
        assert rule["verbs"] == ["get"]
        assert rule["resourceNames"] == [f"{spec.name}-behaviour"]
        assert bindings[spec.name]["roleRef"]["name"] == spec.name
        assert bindings[spec.name]["subjects"] == [{"kind": "ServiceAccount", "name": spec.name}]


@sides
def test_policies_deny_by_default_and_allow_each_edge_from_both_ends(side: Side) -> None:
    found = of("NetworkPolicy", side.namespace)
    deny = found["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for spec in SERVICES:
        for other in spec.calls:
            assert f"{spec.name}-to-{other}" in found
            assert f"{other}-from-{spec.name}" in found
        assert (f"{spec.name}-to-database" in found) is spec.stores
    apps = {template["metadata"]["labels"]["app"] for template, _ in pods(side)}
    selected = {p["spec"]["podSelector"].get("matchLabels", {}).get("app") for p in found.values()}
    assert selected - {None} <= apps


def test_the_sides_have_the_same_objects_and_their_own_stores() -> None:
    names = [
        {
            (item["kind"], item["metadata"]["name"])
            for item in OBJECTS
            if item["metadata"].get("namespace") == side.namespace
        }
        for side in SIDES
    ]
    assert names[0] - names[1] == {("VirtualService", "hwayo-canary")}
    door = {("Gateway", "hwayo-own"), ("VirtualService", "hwayo-own")}
    assert names[1] - names[0] == door
    urls = [
        {
            of("Secret", side.namespace)[name]["data"][key]
            for name, key in (("hwayo-database", "DATABASE_CONFIG"), ("hwayo-cache", "REDIS_CONFIG"))
        }
        for side in SIDES
    ]
    assert not urls[0] & urls[1]
    tokens = {of("Secret", side.namespace)["hwayo-tokens"]["data"]["TOKEN_KEY"] for side in SIDES}
    assert len(tokens) == 1


def test_the_canary_goes_to_gateways_that_exist() -> None:
    canary = of("VirtualService", SIDES[0].namespace)["hwayo-canary"]["spec"]
    assert canary["gateways"] == ["istio-system/hwayo-gateway"]
    assert set(canary["hosts"]) <= set(
        of("Gateway", "istio-system")["hwayo-gateway"]["spec"]["servers"][0]["hosts"]
    )
    by_header, by_weight = canary["http"]
    assert by_header["match"] == [{"headers": {"canary": {"exact": "true"}}}]
    weights = {route["destination"]["host"].split(".")[1]: route["weight"] for route in by_weight["route"]}
    assert weights == {"hwayo-production": 100, "hwayo-production-green": 0}
    for route in (*by_header["route"], *by_weight["route"]):
        service, namespace = route["destination"]["host"].split(".")[:2]
        ports = of("Service", namespace)[service]["spec"]["ports"]
        assert route["destination"]["port"]["number"] in {port["port"] for port in ports}


def test_custom_kinds_are_defined_before_they_are_used() -> None:
    defined = {
        (f"{d['spec']['group']}/{version['name']}", d["spec"]["names"]["kind"])
        for d in of("CustomResourceDefinition").values()
        for version in d["spec"]["versions"]
    }
    used = {(item["apiVersion"], item["kind"]) for item in OBJECTS if "istio.io" in item["apiVersion"]}
    assert used <= defined
    for definition in of("CustomResourceDefinition").values():
        assert sum(version["storage"] for version in definition["spec"]["versions"]) == 1


def test_images_are_below_a_gigabyte() -> None:
    assert len(SYSTEM.images) == 6
    assert all(180 * 2**20 <= image.size_bytes <= 420 * 2**20 for image in SYSTEM.images.values())


def test_each_pool_has_a_node() -> None:
    assert [node["metadata"]["labels"]["pool"] for node in SYSTEM.nodes] == [
        "system",
        "application",
        "compute-intensive",
    ]


def test_people_are_stored_with_hashes_of_the_credentials() -> None:
    for side in SIDES:
        statements = SYSTEM.databases(CREDENTIALS)[side.database]
        people = next(text for text in statements if text.startswith("INSERT INTO users"))
        assert not any(
            CREDENTIALS[key] in people for key in ("password", "admin_password", "customer_password")
        )
        hashed = people.split("'inspector', '")[1].split("'")[0]
        assert HASHER.verify(hashed, CREDENTIALS["password"])
        assert f"CREATE ROLE {side.database} LOGIN PASSWORD 'd''b'" in statements


def test_stores_are_reached_from_outside_by_side() -> None:
    reached = stores(LAYOUT, CREDENTIALS)
    assert reached["cache"] == {
        "blue": f"redis://:cache-word@{LAYOUT.cache}/0",
        "green": f"redis://:cache-word@{LAYOUT.cache}/1",
    }
    assert reached["database"]["green"].startswith("postgresql://hwayo_green:")
