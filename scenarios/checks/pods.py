"""Pods keep to the security context that the document asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fixtures.platforms.abilities import Pod, Workloads, able
from fixtures.target.checks import PodsSecured
from reports.verdicts import Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

Security = Mapping[str, Any]


def _non_root(security: Security) -> bool:
    """A user id of 0 is root whatever `runAsNonRoot` says: such a container would not even start."""
    return security.get("runAsNonRoot") is True and security.get("runAsUser") != 0


def _no_escalation(security: Security) -> bool:
    return security.get("allowPrivilegeEscalation") is False and not security.get("privileged")


def _dropped(security: Security) -> bool:
    capabilities = security.get("capabilities") or {}
    return "ALL" in (capabilities.get("drop") or ()) and not set(capabilities.get("add") or ()) - {
        "NET_BIND_SERVICE"
    }


def _seccomp(security: Security) -> bool:
    return (security.get("seccompProfile") or {}).get("type") in ("RuntimeDefault", "Localhost")


def _read_only(security: Security) -> bool:
    return security.get("readOnlyRootFilesystem") is True


RULES: Mapping[str, tuple[Callable[[Security], bool], str]] = {
    "run-as-non-root": (_non_root, "may run as root"),
    "no-privilege-escalation": (_no_escalation, "may gain privileges"),
    "drop-all-capabilities": (_dropped, "keeps capabilities"),
    "seccomp-profile": (_seccomp, "has no seccomp profile"),
    "read-only-root-filesystem": (_read_only, "may write to its root filesystem"),
}


@measures(PodsSecured)
def pods_secured(check: PodsSecured, around: Surroundings) -> Measurement:
    """Each container of each pod of our side, with its pod's defaults; and no pod that reaches into its node.

    Those beside the services count too: whoever holds one of them holds the namespace.
    """
    tally = Tally("pods")
    for service in around.target.services:
        with tally.looking():
            tally.saw(*(pod.name for pod in around.pods(service)))
    with tally.looking():
        for pod in able(around.platform, Workloads).pods(around.namespace):
            tally.saw(pod.name)
            if faults := _faults(check, pod):
                tally.breaks(pod.name, "; ".join(faults))
    return tally.measurement()


def _faults(check: PodsSecured, pod: Pod) -> list[str]:
    faults = []
    for container in (*pod.containers, *pod.helpers):
        broken = [
            words for fits, words in (RULES[rule] for rule in check.require) if not fits(container.security)
        ]
        faults += [f"{container.name} {', '.join(broken)}"] if broken else []
    return [*faults, *(f"has {access}" for access in pod.host_access)]
