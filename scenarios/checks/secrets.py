"""What blue needs to know, green knows too: names and keys of secrets, never their values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fixtures.evidence import Missing
from fixtures.platforms.abilities import Secret, Secrets, able
from fixtures.target.base import Side
from fixtures.target.checks import SecretsMirrored, SecretsRotated
from reports.verdicts import Evidence, Measurement
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


@measures(SecretsRotated)
def secrets_rotated(check: SecretsRotated, around: Surroundings) -> Measurement:
    """By the note that a secret bears; one without it may be as old as the system, and nobody knows."""
    tally = Tally("secrets")
    held = {one.name: one for one in able(around.platform, Secrets).secrets(around.namespace)}
    for name in _read_by_pods(around, tally):
        with tally.looking():
            age = _age(held.get(name), name, check)
            tally.saw(name)
            tally.note(Evidence(f"{name}: rotated {age.days} days ago", ""))
            if age.total_seconds() > check.within_age.seconds:
                tally.breaks(name, f"was rotated {age.days} days ago, where {check.within_age} are allowed")
    return tally.measurement()


def _read_by_pods(around: Surroundings, tally: Tally) -> list[str]:
    """Names of the secrets that our pods cannot start without."""
    names: dict[str, None] = {}
    for service in around.target.services:
        with tally.looking():
            for pod in around.pods(service):
                names.update(dict.fromkeys(name for one in pod.containers for name in one.secrets))
    return list(names)


def _age(secret: Secret | None, name: str, check: SecretsRotated) -> timedelta:
    """Raises Missing where nothing says so."""
    said = secret.annotations.get(check.annotation, "") if secret else ""
    try:
        return datetime.now(UTC) - datetime.fromisoformat(said)
    except (ValueError, TypeError):
        raise Missing(f"{name} does not say by {check.annotation} when it was rotated: {said!r}") from None


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
