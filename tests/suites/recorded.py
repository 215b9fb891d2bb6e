"""A platform that shows recorded Kubernetes objects: the seam at which checks are tried without a cluster."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx

from fixtures.clock import Clock
from fixtures.evidence import Unreachable
from fixtures.platforms.abilities import (
    Ask,
    Event,
    Grant,
    NetworkPolicy,
    Node,
    Pod,
    Reply,
    Secret,
    Workload,
)
from fixtures.platforms.kubernetes import access, objects
from fixtures.target import Environment, Side, Target
from scenarios.surroundings import Surroundings

Json = dict[str, Any]
BLUE, GREEN = "hwayo-production", "hwayo-production-green"
TAG, BLUES_TAG = "1042-3f9c2ab", "1041-8c1f0aa"
SERVICES = {
    "web-app": "hwayo-web",
    "api-gateway": "hwayo-api",
    "auth-service": "hwayo-auth",
    "workflow-engine": "hwayo-workflow",
    "notification-service": "hwayo-notification",
    "report-generator": "hwayo-report",
}
SECURE = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}


def node(name: str, ready: str = "True", images: Mapping[str, int] | None = None) -> Json:
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": "KubeletNotReady",
        "message": "PLEG is not healthy",
    }
    listed = [{"names": [image], "sizeBytes": size} for image, size in (images or {}).items()]
    return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": [condition], "images": listed}}


def deployment(name: str, wanted: int = 2, available: int = 2) -> Json:
    return {
        "metadata": {"name": name, "namespace": GREEN, "generation": 1},
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "spec": {"containers": [{"name": name, "image": f"registry/{SERVICES[name]}:{TAG}"}]}
            },
        },
        "status": {
            "observedGeneration": 1,
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": available,
            "availableReplicas": available,
        },
    }


def pod(service: str, number: int = 1) -> Json:
    return {
        "metadata": {"name": f"{service}-{number}", "namespace": GREEN, "labels": {"app": service}},
        "spec": {
            "serviceAccountName": service,
            "securityContext": {"runAsUser": 10001},
            "containers": [
                {
                    "name": service,
                    "image": f"registry/{SERVICES[service]}:{TAG}",
                    "ports": [{"containerPort": 3000}],
                    "securityContext": dict(SECURE),
                    "envFrom": [{"secretRef": {"name": "tokens"}}],
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": service, "ready": True, "restartCount": 0, "state": {"running": {}}}
            ],
        },
    }


def of_blue(found: Json, tag: str = BLUES_TAG) -> Json:
    """A pod or a deployment as it stands on blue, which runs the version before."""
    found["metadata"]["namespace"] = BLUE
    spec = found["spec"].get("template", found)["spec"]
    spec["containers"][0]["image"] = spec["containers"][0]["image"].replace(TAG, tag)
    return found


def secret(name: str, namespace: str, *keys: str, kind: str = "Opaque") -> Json:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "type": kind,
        "data": dict.fromkeys(keys, "eA=="),
    }


def policy(name: str, selector: Json, *ingress: Json) -> Json:
    spec: Json = {"podSelector": selector, "policyTypes": ["Ingress"]}
    return {
        "metadata": {"name": name, "namespace": GREEN},
        "spec": spec | ({"ingress": list(ingress)} if ingress else {}),
    }


def healthy() -> Recorded:
    """Green as it should be: six services of two pods, one node that holds their images; and blue beside it."""
    images = {f"registry/{image}:{TAG}": 200_000_000 for image in SERVICES.values()}
    return Recorded(
        found_nodes=[node("node-1", images=images)],
        deployments=[deployment(name) for name in SERVICES]
        + [of_blue(deployment(name)) for name in SERVICES],
        found_pods=[pod(name, number) for name in SERVICES for number in (1, 2)]
        + [of_blue(pod(name)) for name in SERVICES],
        found_secrets=[secret("tokens", namespace, "KEY") for namespace in (BLUE, GREEN)],
    )


@dataclass
class Recorded:
    """Every ability, over lists of objects as the API writes them. `allowed` is what the authorizer says yes to."""

    found_nodes: list[Json] = field(default_factory=list)
    deployments: list[Json] = field(default_factory=list)
    found_pods: list[Json] = field(default_factory=list)
    found_secrets: list[Json] = field(default_factory=list)
    found_policies: list[Json] = field(default_factory=list)
    bindings: list[Json] = field(default_factory=list)
    roles: dict[str, Json] = field(default_factory=dict)
    allowed: set[Ask] = field(default_factory=set)
    replies: dict[str, Reply] = field(default_factory=dict)  # by pod, or by service

    def nodes(self) -> Sequence[Node]:
        return [objects.node(one) for one in self.found_nodes]

    def workloads(self, namespace: str) -> Sequence[Workload]:
        return [
            objects.workload(one) for one in self.deployments if one["metadata"]["namespace"] == namespace
        ]

    def pods(self, namespace: str, selector: Mapping[str, str] | None = None) -> Sequence[Pod]:
        found = [
            objects.pod(copy.deepcopy(one))
            for one in self.found_pods
            if one["metadata"]["namespace"] == namespace
        ]
        return [one for one in found if all(one.labels.get(k) == v for k, v in (selector or {}).items())]

    def labels(self, namespace: str) -> Mapping[str, str]:
        return {}

    def secrets(self, namespace: str) -> Sequence[Secret]:
        return [
            objects.secret(one) for one in self.found_secrets if one["metadata"]["namespace"] == namespace
        ]

    def policies(self, namespace: str) -> Sequence[NetworkPolicy]:
        return [access.policy(one) for one in self.found_policies]

    def grants(self, namespace: str, service_accounts: Sequence[str]) -> Sequence[Grant]:
        return access.grants(namespace, service_accounts, self.bindings, self.roles)

    def may(self, subject: str, ask: Ask) -> bool:
        return ask in self.allowed

    def log(self, pod: Pod, lines: int = 20) -> str:
        return f"last words of {pod.name}"

    def events(self, namespace: str, name: str) -> Sequence[Event]:
        return [Event("Warning", "BackOff", "back-off restarting", 3, "2025-05-31T01:00:00Z", f"Pod/{name}")]

    def get(self, pod: Pod, path: str, timeout_s: float) -> Reply:
        reply = self.replies.get(pod.name) or self.replies.get(pod.labels["app"])
        if reply is None:
            raise Unreachable(f"pod {pod.name} does not answer on port {pod.port}")
        return reply


@cache
def hwayo() -> Target:
    return Target.load("hwayo")


def around(
    platform: object | None = None,
    doors: Mapping[Side, httpx.MockTransport] | None = None,
    clock: Clock | None = None,
    **stated: Any,
) -> Surroundings:
    """Hwayo's green in an environment that states no more than is given."""
    target = hwayo()
    environment: Environment = target.environment("lab").model_copy(
        update={"entry": "https://hwayo.test", **stated}
    )
    made = Surroundings(target, environment, Side.GREEN, clock)
    if platform is not None:
        made.platform = platform
    for side, transport in (doors or {}).items():
        headers = dict(environment.route[side])
        made.doors[side] = httpx.Client(base_url="https://hwayo.test", transport=transport, headers=headers)
    return made


def the_check(name: str, **other: Any) -> Any:
    """A check of Hwayo's profile, with some of its figures changed."""
    found = next(check for check in hwayo().checks if check.name == name)
    return found.model_copy(update=other)
