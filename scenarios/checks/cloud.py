"""What stands in AWS around the system: buckets, web ACL, security groups, load balancer, DNS, administrators.

The account is opened before a check tries anything: a credential of ours that is missing is no fault of the system.
"""

from __future__ import annotations

import contextlib

from fixtures.evidence import Missing, Refused
from fixtures.platforms.abilities import able
from fixtures.platforms.aws import (
    Accounts,
    Balancer,
    Balancers,
    Buckets,
    Opening,
    TargetGroups,
    WebAcls,
    Zones,
)
from fixtures.platforms.aws import SecurityGroups as Groups
from fixtures.target.cloud import (
    AdminsHaveMfa,
    BucketEncrypted,
    BucketReadable,
    DnsRecord,
    LoadBalancer,
    SecurityGroups,
    TargetsHealthy,
    WebAcl,
)
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


@measures(BucketReadable)
def bucket_readable(check: BucketReadable, around: Surroundings) -> Measurement:
    """That we may list it is the promise, so to be refused is a violation, not a lack of evidence."""
    tally = Tally("buckets")
    tally.saw(check.bucket)
    account = able(around.aws, Buckets)
    try:
        keys = account.first_keys(check.bucket)
    except (Refused, Missing) as error:
        tally.breaks(check.bucket, str(error))
    else:
        tally.note(Evidence(f"{check.bucket} lists", "\n".join(keys) or "(empty)"))
    return tally.measurement()


@measures(BucketEncrypted)
def bucket_encrypted(check: BucketEncrypted, around: Surroundings) -> Measurement:
    tally = Tally("buckets")
    account = able(around.aws, Buckets)
    with tally.owed(check.bucket):
        algorithm = account.encryption(check.bucket)
        tally.saw(check.bucket)
        tally.note(Evidence(f"{check.bucket} is encrypted by {algorithm or 'nothing'}", ""))
        if not algorithm:
            tally.breaks(check.bucket, "does not encrypt what is put into it")
    return tally.measurement()


@measures(WebAcl)
def web_acl(check: WebAcl, around: Surroundings) -> Measurement:
    """A rule that only counts what it would have stopped protects nobody, nor does an ACL that nothing passes."""
    tally = Tally("rules")
    account = able(around.aws, WebAcls)
    with tally.owed(check.acl):
        found = {rule.name: rule for rule in account.acl_rules(check.acl, check.scope)}
        for name in check.rules:
            tally.saw(name)
            if name not in found:
                tally.breaks(
                    name, f"web ACL {check.acl} does not have it; it has {', '.join(found) or 'no rules'}"
                )
            elif not found[name].enforced:
                tally.breaks(name, "only counts what it would have stopped")
        if check.guards:
            with tally.looking():
                balancer = able(around.aws, Balancers).balancer(check.guards)
                before = account.acl_before(balancer.arn)
                tally.note(Evidence(f"before {check.guards}: {before or 'no web ACL'}", ""))
                if before != check.acl:
                    tally.breaks(
                        check.acl, f"is not before {check.guards}, which has {before or 'no web ACL'}"
                    )
    return tally.measurement()


@measures(SecurityGroups)
def security_groups(check: SecurityGroups, around: Surroundings) -> Measurement:
    tally = Tally("security groups")
    found = able(around.aws, Groups).open_to_the_world(check.groups)
    for name in check.groups:
        tally.saw(name)
        if name not in found:
            tally.breaks(name, "does not exist")
            continue
        for opening in found[name]:
            if not _within(opening, check.open_ports):
                ports = ", ".join(map(str, check.open_ports))
                tally.breaks(name, f"lets in {opening}, where only {ports} may be open")
    return tally.measurement()


@measures(LoadBalancer)
def load_balancer(check: LoadBalancer, around: Surroundings) -> Measurement:
    tally = Tally("load balancers")
    account = able(around.aws, Balancers)
    with tally.owed(check.balancer):
        found = account.balancer(check.balancer)
        tally.saw(found.name)
        if found.state != "active":
            tally.breaks(found.name, f"is {found.state}, not active")
        for port in check.ports:
            if port not in found.ports:
                tally.breaks(
                    found.name,
                    f"does not listen on {port}; it does on {', '.join(map(str, found.ports)) or 'none'}",
                )
    return tally.measurement()


@measures(TargetsHealthy)
def targets_healthy(_: TargetsHealthy, around: Surroundings) -> Measurement:
    """One that is still being looked at for the first time, or is leaving, counts for nothing."""
    tally = Tally("targets")
    if around.environment.alb is None:
        raise Missing(f"environment {around.environment.name} states no alb")
    group = around.environment.alb.groups[around.side]
    wanted = sum(service.replicas for service in around.target.services)
    with tally.owed(group):
        found = able(around.aws, TargetGroups).targets(group)
        tally.saw(group)
        for one in found:
            tally.saw(one.address)
            if one.state == "unhealthy":
                tally.breaks(one.address, f"is unhealthy in {group}: {one.why or 'nobody says why'}")
        healthy = sum(one.state == "healthy" for one in found)
        if healthy < wanted:
            tally.breaks(group, f"has {healthy} healthy targets, where {wanted} are promised")
    return tally.measurement()


@measures(DnsRecord)
def dns_record(check: DnsRecord, around: Surroundings) -> Measurement:
    tally = Tally("records")
    account = able(around.aws, Zones)
    with tally.owed(check.record):
        values = account.records(check.zone, check.record)
        tally.saw(check.record)
        tally.note(Evidence(check.record, "\n".join(values)))
        addresses = [value.split()[1] for value in values if value.split()[0] in ("A", "AAAA", "CNAME")]
        if not addresses:
            tally.breaks(check.record, f"zone {check.zone} has no address for it")
        balancers = _balancers(around)
        for address in addresses if balancers else ():
            if not any(_leads(address, balancer) for balancer in balancers):
                names = ", ".join(balancer.name for balancer in balancers)
                tally.breaks(check.record, f"leads to {address}, not to the load balancer {names}")
    return tally.measurement()


@measures(AdminsHaveMfa)
def admins_have_mfa(check: AdminsHaveMfa, around: Surroundings) -> Measurement:
    """An account that nobody administers shows nothing, and is no evidence."""
    tally = Tally("administrators")
    account = able(around.aws, Accounts)
    for name, devices in account.devices_of_group(check.group).items():
        tally.saw(name)
        if not devices:
            tally.breaks(name, f"is in {check.group}, and needs no second factor to sign in")
    return tally.measurement()


def _balancers(around: Surroundings) -> list[Balancer]:
    """Those of the profile that stand in AWS; of one that does not, another check tells."""
    if "load-balancer" in around.environment.absent:
        return []
    found, account = [], able(around.aws, Balancers)
    for check in around.target.checks:
        if isinstance(check, LoadBalancer):
            with contextlib.suppress(Missing):
                found.append(account.balancer(check.balancer))
    return found


def _leads(address: str, balancer: Balancer) -> bool:
    """AWS's console writes an alias with a word before the balancer's name."""
    return address.lower().rstrip(".").removeprefix("dualstack.") == balancer.address.lower()


def _within(opening: Opening, ports: tuple[int, ...]) -> bool:
    return opening.protocol == "tcp" and all(port in ports for port in range(opening.first, opening.last + 1))
