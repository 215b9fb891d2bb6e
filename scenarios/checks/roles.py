"""Least privilege: what the services' accounts hold by their roles, and what the authorizer would let them do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fixtures.platforms.abilities import Ask, Grant, Grants, Permission, able
from fixtures.target.checks import Power, RolesLeastPrivilege
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally

ANY = "*"
ACCOUNT = "system:serviceaccount:"  # whatever else holds a grant is a group, and all our accounts are in it
GROUPS = {"roles": "rbac.authorization.k8s.io", "rolebindings": "rbac.authorization.k8s.io"}
GROUPS |= {"clusterroles": GROUPS["roles"], "clusterrolebindings": GROUPS["roles"], "deployments": "apps"}


@measures(RolesLeastPrivilege)
def roles_least_privilege(check: RolesLeastPrivilege, around: Surroundings) -> Measurement:
    """By the objects, which name the binding at fault, and by asking, which no clever rule escapes."""
    tally = Tally("service accounts")
    platform = able(around.platform, Grants)
    accounts = _accounts(around, tally)
    held = platform.grants(around.namespace, accounts)
    tally.note(Evidence("roles held", "\n".join(map(_line, held)) or "(none)"))
    for account in accounts:
        subject = f"{ACCOUNT}{around.namespace}:{account}"
        tally.saw(subject)
        grants = [one for one in held if one.subject == subject or not one.subject.startswith(ACCOUNT)]
        named = {
            why: None for grant in grants for power in check.forbidden for why in _excesses(power, grant)
        }
        asks = dict.fromkeys(ask for power in check.forbidden for ask in _asks(power, around.namespace))
        allowed = [ask for ask in asks if not named and platform.may(subject, ask)]
        for why in [*named, *(f"may {_words(ask)}, says the authorizer" for ask in allowed)]:
            tally.breaks(subject, why)
    return tally.measurement()


def _accounts(around: Surroundings, tally: Tally) -> list[str]:
    """Those that the services' pods run as."""
    accounts: dict[str, None] = {}
    for service in around.target.services:
        with tally.looking():
            accounts.update(dict.fromkeys(pod.service_account for pod in around.pods(service)))
    return list(accounts)


def _excesses(power: Power, grant: Grant) -> Iterator[str]:
    """Each permission of the grant that gives the forbidden power."""
    for permission in grant.permissions:
        if permission.resources and gives(permission, power):
            reach = f"in {grant.namespace}" if grant.namespace else "in the whole cluster"
            what = f"{'/'.join(permission.verbs)} {', '.join(permission.resources)}"
            yield f"{grant.role}, bound by {grant.binding}, lets it {what} {reach}"


def gives(permission: Permission, power: Power) -> bool:
    """Whether it includes the power. An empty list of the power means any; `*` in it means the wildcard itself."""
    return _meets(permission.verbs, power.verbs) and _meets(permission.resources, power.resources)


def _meets(given: Sequence[str], forbidden: Sequence[str]) -> bool:
    return not forbidden or ANY in given or any(one in given for one in forbidden)


def _asks(power: Power, namespace: str) -> Iterator[Ask]:
    """The questions that would show the power, in the namespace; `*` asks for the wildcard itself."""
    for verb in power.verbs or (ANY,):
        for resource in power.resources or (ANY,):
            name, _, subresource = resource.partition("/")
            group = ANY if name == ANY else GROUPS.get(name, "")
            yield Ask(verb, name, group, namespace, subresource)


def _words(ask: Ask) -> str:
    what = f"{ask.resource}/{ask.subresource}" if ask.subresource else ask.resource
    return f"{ask.verb} {what} in {ask.namespace}"


def _line(grant: Grant) -> str:
    rules = "; ".join(
        f"{'/'.join(one.verbs)} {', '.join(one.resources or one.urls)}" for one in grant.permissions
    )
    reach = grant.namespace or "the cluster"
    return f"{grant.subject}: {grant.role} by {grant.binding} in {reach}: {rules or 'nothing'}"
