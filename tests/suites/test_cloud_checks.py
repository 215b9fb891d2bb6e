"""The checks of AWS, against a real moto server that holds what Hwayo has there."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from fixtures.evidence import Missing
from fixtures.lab import aws as lab_aws
from fixtures.lab.systems.hwayo import aws as hwayo
from fixtures.platforms.aws import Account, Aws, Opening
from fixtures.target import Credential
from fixtures.target.environment import Aws as StatedAws
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import around, the_check
from tests.suites.servers import address, nobody

ALL = (
    "assets-readable",
    "backups-encrypted",
    "web-acl",
    "security-groups",
    "load-balancer",
    "dns-record",
    "admins-have-mfa",
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """host:port."""
    host = address()
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    moto = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    moto.start()
    yield f"{host}:{port}"
    moto.stop()


@pytest.fixture
def account(server: str) -> lab_aws.Client:
    """Filled anew for each test."""
    post(f"http://{server}/moto-api/reset")
    clients = lab_aws.clients(server)
    hwayo.fill(clients)
    return clients


def post(url: str, body: bytes = b"") -> None:
    asked = urllib.request.Request(url, body, {"content-type": "text/plain"}, method="POST")
    urllib.request.urlopen(asked, timeout=5).close()


def unasked(server: str, requests: bytes) -> None:
    """How many more requests moto lets through without asking for a key that it issued."""
    post(f"http://{server}/moto-api/reset-auth", requests)


def seen(name: str, server: str, **other: object) -> Measurement:
    stated = StatedAws.model_construct(
        endpoint=f"http://{server}",
        region=lab_aws.REGION,
        access_key=Credential.of_lab("lab"),
        secret_key=Credential.of_lab("lab"),
    )
    return measure(the_check(name, **other), around(aws=stated))


def test_what_the_lab_holds_breaks_nothing(server: str, account: lab_aws.Client) -> None:
    for name in ALL:
        found = seen(name, server)
        assert found.value == 0, found.why
        assert found.samples > 0


@pytest.mark.parametrize("name", ALL)
def test_an_aws_that_does_not_answer_is_no_evidence(name: str) -> None:
    found = seen(name, nobody())
    assert found.value is None
    assert "AWS does not answer" in found.why


@pytest.mark.parametrize("name", ALL)
def test_a_credential_of_ours_that_is_missing_is_no_fault_of_the_system(name: str) -> None:
    stated = StatedAws(region=lab_aws.REGION, access_key=Credential.read("env:VERDIGRIS_NOT_SET"))
    found = measure(the_check(name), around(aws=stated))
    assert found.value is None
    assert "VERDIGRIS_NOT_SET is not set" in found.why


def test_a_bucket_that_is_not_there_cannot_be_read(server: str, account: lab_aws.Client) -> None:
    found = seen("assets-readable", server, bucket="hwayo-prod-nothing")
    assert found.value == 1
    assert "NoSuchBucket" in found.why


def test_a_revoked_key_breaks_the_reading_and_leaves_the_rest_unknown(
    server: str, account: lab_aws.Client
) -> None:
    unasked(server, b"0")
    try:
        assert seen("assets-readable", server).value == 1
        for name in ALL[1:]:
            assert seen(name, server).value is None, name
    finally:
        unasked(server, b"inf")


def test_a_bucket_without_encryption_is_named(server: str, account: lab_aws.Client) -> None:
    account("s3").delete_bucket_encryption(Bucket="hwayo-prod-backups")
    assert "hwayo-prod-backups: does not encrypt" in seen("backups-encrypted", server).why


def test_a_rule_that_is_missing_or_only_counts_protects_nobody(server: str, account: lab_aws.Client) -> None:
    waf = account("wafv2")
    acl = next(one for one in waf.list_web_acls(Scope="REGIONAL")["WebACLs"])
    held = waf.get_web_acl(Name=acl["Name"], Scope="REGIONAL", Id=acl["Id"])
    rules = held["WebACL"]["Rules"][:2]
    rules[0]["OverrideAction"] = {"Count": {}}
    waf.update_web_acl(
        Name=acl["Name"],
        Scope="REGIONAL",
        Id=acl["Id"],
        LockToken=held["LockToken"],
        DefaultAction=held["WebACL"]["DefaultAction"],
        VisibilityConfig=held["WebACL"]["VisibilityConfig"],
        Rules=rules,
    )
    found = seen("web-acl", server)
    assert (found.value, found.samples) == (2, 3)
    assert "AWSManagedRulesCommonRuleSet: only counts" in found.why
    assert "AWSManagedRulesKnownBadInputsRuleSet: web ACL hwayo-web-acl does not have it" in found.why


def test_an_acl_before_nothing_or_before_another_protects_nobody(
    server: str, account: lab_aws.Client
) -> None:
    waf, balancer = account("wafv2"), account("elbv2").describe_load_balancers()["LoadBalancers"][0]
    waf.disassociate_web_acl(ResourceArn=balancer["LoadBalancerArn"])
    assert "is not before hwayo-alb, which has no web ACL" in seen("web-acl", server).why
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "other"}
    other = waf.create_web_acl(
        Name="other", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=shown
    )
    waf.associate_web_acl(WebACLArn=other["Summary"]["ARN"], ResourceArn=balancer["LoadBalancerArn"])
    found = seen("web-acl", server)
    assert found.value == 1
    assert "hwayo-web-acl: is not before hwayo-alb, which has other" in found.why


def test_an_acl_whose_load_balancer_is_gone_is_not_known_to_guard_it(
    server: str, account: lab_aws.Client
) -> None:
    found = seen("web-acl", server, guards="nothing")
    assert found.value is None
    assert "LoadBalancerNotFound" in found.why


def test_an_administrator_without_a_second_factor_is_named(server: str, account: lab_aws.Client) -> None:
    iam = account("iam")
    device = iam.list_mfa_devices(UserName="devops")["MFADevices"][0]["SerialNumber"]
    iam.deactivate_mfa_device(UserName="devops", SerialNumber=device)
    found = seen("admins-have-mfa", server)
    assert (found.value, found.samples) == (1, 2)
    assert "devops: is in hwayo-admins, and needs no second factor" in found.why


def test_a_group_of_nobody_or_that_is_not_there_shows_nothing(server: str, account: lab_aws.Client) -> None:
    account("iam").create_group(GroupName="empty")
    assert seen("admins-have-mfa", server, group="empty").value is None
    found = seen("admins-have-mfa", server, group="nobody")
    assert found.value is None
    assert "group nobody of IAM" in found.why


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            "tcp 22 from 0.0.0.0/0",
        ),
        ({"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, "all 0-65535 from ::/0"),
        (
            {"IpProtocol": "tcp", "FromPort": 400, "ToPort": 500, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            "tcp 400-500 from 0.0.0.0/0",
        ),
        (
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "128.0.0.0/1"}, {"CidrIp": "10.0.0.0/8"}],
            },
            "tcp 22 from 128.0.0.0/1",
        ),
        (
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "Ipv6Ranges": [{"CidrIpv6": "2000::/3"}]},
            "tcp 22 from 2000::/3",
        ),
    ],
)
def test_a_port_open_to_the_world_is_named(
    server: str, account: lab_aws.Client, rule: dict[str, object], words: str
) -> None:
    ec2 = account("ec2")
    group = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["hwayo-nodes"]}])[
        "SecurityGroups"
    ][0]
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    found = seen("security-groups", server)
    assert found.value == 1
    assert f"hwayo-nodes: lets in {words}" in found.why


def test_a_group_that_does_not_exist_is_named(server: str, account: lab_aws.Client) -> None:
    assert "nothing: does not exist" in seen("security-groups", server, groups=("nothing",)).why


def test_a_load_balancer_that_is_gone_or_deaf_is_named(server: str, account: lab_aws.Client) -> None:
    assert "does not listen on 8443; it does on 443" in seen("load-balancer", server, ports=(8443,)).why
    assert "LoadBalancerNotFound" in seen("load-balancer", server, balancer="nothing").why


def test_a_name_without_an_address_is_named(server: str, account: lab_aws.Client) -> None:
    assert "zone hwayo.com has no address for it" in seen("dns-record", server, record="www.hwayo.com").why
    assert "there is no zone hwayo.org" in seen("dns-record", server, zone="hwayo.org").why


def test_a_name_that_leads_elsewhere_is_named(server: str, account: lab_aws.Client) -> None:
    route53 = account("route53")
    zone = route53.list_hosted_zones_by_name(DNSName="hwayo.com")["HostedZones"][0]["Id"]
    elsewhere = {"Name": "hwayo.com", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.66"}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": elsewhere}]}
    )
    found = seen("dns-record", server)
    assert found.value == 1
    assert "hwayo.com: leads to 192.0.2.66, not to the load balancer hwayo-alb" in found.why


def test_an_opening_says_its_ports_and_source() -> None:
    assert str(Opening("tcp", 80, 90, "::/0")) == "tcp 80-90 from ::/0"


def test_an_unknown_acl_names_what_was_looked_for(server: str, account: lab_aws.Client) -> None:
    looking = Aws(Account(lab_aws.REGION, f"http://{server}", "lab", "lab"))
    with pytest.raises(Missing, match="no web ACL nothing of scope REGIONAL, among 1 seen"):
        looking.acl_rules("nothing", "REGIONAL")
    assert json.dumps(list(looking.first_keys("hwayo-prod-assets"))) == '["app/main.css"]'
