"""Objects of a small cluster, written by hand: blue and green shops, a store, and a front door."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from fixtures.lab.layout import Layout
from fixtures.lab.pki import KeyPair

Object = dict[str, Any]


def namespace(name: str, **labels: str) -> Object:
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(home: str, name: str, ip: str, **more: Any) -> Object:
    """`more`: labels (default: app=the name up to its last dash), ports (name -> number), ready."""
    labels = more.get("labels", {"app": name.rpartition("-")[0]})
    ports = more.get("ports", {"http": 3000})
    return {
        "kind": "Pod",
        "metadata": {"namespace": home, "name": name, "labels": labels},
        "spec": {
            "containers": [{"ports": [{"name": key, "containerPort": value} for key, value in ports.items()]}]
        },
        "status": {
            "podIP": ip,
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if more.get("ready", True) else "False"}],
        },
    }


def service(home: str, name: str, cluster_ip: str, port: int = 80, target: int | str = "http") -> Object:
    return {
        "kind": "Service",
        "metadata": {"namespace": home, "name": name},
        "spec": {
            "clusterIP": cluster_ip,
            "selector": {"app": name},
            "ports": [{"port": port, "targetPort": target, "name": "http"}],
        },
    }


def store(home: str, name: str, cluster_ip: str, upstream: str) -> Object:
    """A Service without pods, which leads out of the cluster."""
    port = int(upstream.rpartition(":")[2])
    return {
        "kind": "Service",
        "metadata": {"namespace": home, "name": name, "annotations": {"lab.verdigris/upstream": upstream}},
        "spec": {"clusterIP": cluster_ip, "ports": [{"port": port}]},
    }


def policy(home: str, name: str, **spec: Any) -> Object:
    return {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": home, "name": name},
        "spec": {"podSelector": {}, **spec},
    }


def gateway(home: str, name: str, **tls: str) -> Object:
    server = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": ["shop.example"],
        "tls": {"mode": "SIMPLE", "credentialName": "shop-tls", **tls},
    }
    return {
        "kind": "Gateway",
        "metadata": {"namespace": home, "name": name},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [server]},
    }


def certificate(home: str, name: str, pair: KeyPair) -> Object:
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    return {
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"namespace": home, "name": name},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def virtual_service(home: str, name: str, hosts: Sequence[str], **spec: Any) -> Object:
    """`spec`: http (the rules), gateways."""
    return {
        "kind": "VirtualService",
        "metadata": {"namespace": home, "name": name},
        "spec": {"hosts": list(hosts), **spec},
    }


def to(host: str, weight: int | None = None, **more: Any) -> Object:
    """A route's destination."""
    destination = {"destination": {"host": host, "port": {"number": 80}, **more}}
    return destination if weight is None else {**destination, "weight": weight}


def front_route(*rules: Mapping[str, Any]) -> Object:
    return virtual_service("blue", "canary", ["shop.example"], gateways=["blue/door"], http=list(rules))


def shop(layout: Layout, pair: KeyPair) -> list[Object]:
    """web in blue and in green, two pods and one; a client pod in each; a store; a front door to blue's web."""
    return [
        namespace("blue", environment="blue"),
        namespace("green", environment="green"),
        namespace("istio-system"),
        service("blue", "web", "10.96.0.11"),
        service("green", "web", "10.96.0.12"),
        store("blue", "db", "10.96.0.13", layout.database),
        pod("blue", "web-1", layout.pod_ip(1, 2)),
        pod("blue", "web-2", layout.pod_ip(1, 3)),
        pod("green", "web-1", layout.pod_ip(2, 2)),
        pod("blue", "client-1", layout.pod_ip(1, 9)),
        pod("green", "client-1", layout.pod_ip(2, 9)),
        gateway("blue", "door", minProtocolVersion="TLSV1_3"),
        certificate("blue", "shop-tls", pair),
        front_route({"route": [to("web")]}),
    ]
