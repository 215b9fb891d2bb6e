"""What blue needs to know, green knows too: names and keys of secrets, never their values."""

from __future__ import annotations

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Secret, Secrets, able
from fixtures.target.base import Side
from fixtures.target.checks import SecretsMirrored
from reports.verdicts import Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

# Those that a cluster or a packager keeps for itself, in each namespace its own.
KEPT = ("kubernetes.io/service-account-token", "helm.sh/release.v1", "bootstrap.kubernetes.io/token")


@measures(SecretsMirrored)
def secrets_mirrored(check: SecretsMirrored, around: Surroundings) -> Measurement:
    """Blue's secrets in green, whichever side is asked about; and each that our own pods read is there."""
    tally = Tally("secrets")
    platform, namespaces = able(around.platform, Secrets), around.environment.namespaces
    found = {side: {one.name: one for one in platform.secrets(namespaces[side])} for side in Side}
    green = found[Side.GREEN]
    for secret in found[Side.BLUE].values():
        if secret.kind in KEPT or secret.name in check.besides:
            continue
        tally.saw(secret.name)
        if why := _lack(secret, green.get(secret.name), namespaces[Side.GREEN]):
            tally.breaks(secret.name, why)
    for service in around.target.services:
        try:
            pods = around.pods(service)
        except Missing:
            continue  # whether it has pods is another check's question
        containers = [one for pod in pods for one in (*pod.containers, *pod.helpers)]
        for name in dict.fromkeys(name for one in containers for name in one.secrets):
            if name in found[Side.BLUE]:
                continue  # asked above
            if own := found[around.side].get(name):
                tally.saw(name)
                if why := _empty(own):
                    tally.breaks(name, why)
            else:
                tally.breaks(name, f"{service.name} reads it, and {around.namespace} does not have it")
    return tally.measurement()


def _lack(blue: Secret, green: Secret | None, namespace: str) -> str:
    if green is None:
        return f"blue has it, {namespace} does not"
    missing = sorted(set(blue.keys) - set(green.keys))
    return f"{namespace} lacks its {_keys(missing)}" if missing else _empty(green)


def _empty(secret: Secret) -> str:
    empty = sorted(key for key, fingerprint in secret.keys.items() if not fingerprint)
    return f"{secret.namespace} has nothing in its {_keys(empty)}" if empty else ""


def _keys(names: list[str]) -> str:
    return f"{'key' if len(names) == 1 else 'keys'} {', '.join(names)}"
