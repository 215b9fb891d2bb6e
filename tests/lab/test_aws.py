"""Hwayo's AWS account stands in moto as §3.1 lists it, and its calls are the real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from fixtures.lab.aws import Client, clients, moto
from fixtures.lab.layout import Layout
from fixtures.lab.process import Running
from fixtures.lab.systems.hwayo import aws
from tests.subnets import kept


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home: Path = tmp_path_factory.mktemp("aws")
    address = Layout(kept(), home).aws
    server = Running(moto(address), home / "moto.log")
    deadline = time.monotonic() + 30
    try:
        while True:
            try:
                httpx.get(f"http://{address}/moto-api/", timeout=2)
                break
            except httpx.TransportError:
                server.must_live()
                assert time.monotonic() < deadline, server.tail()
                time.sleep(0.1)
        client = clients(address)
        aws.fill(client)
        yield client
    finally:
        server.stop()


def test_every_bucket_is_encrypted_and_closed(account: Client) -> None:
    s3 = account("s3")
    assert {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]} == set(aws.BUCKETS)
    for bucket in aws.BUCKETS:
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())


def test_a_bucket_that_is_not_there_is_an_error_and_not_an_empty_list(account: Client) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        account("s3").list_objects_v2(Bucket="hwayo-prod-nothing")


def test_only_the_balancer_lets_the_world_in(account: Client) -> None:
    groups = account("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": list(aws.GROUPS)}]
    )["SecurityGroups"]
    open_to_all = {
        (group["GroupName"], permission["FromPort"])
        for group in groups
        for permission in group["IpPermissions"]
        if {"CidrIp": "0.0.0.0/0"} in permission["IpRanges"]
    }
    assert len(groups) == len(aws.GROUPS)
    assert open_to_all == {(aws.BALANCER, 443)}


def test_the_domain_leads_to_the_balancer_behind_its_web_acl(account: Client) -> None:
    elb, route53, waf = account("elbv2"), account("route53"), account("wafv2")
    balancer = elb.describe_load_balancers(Names=[aws.BALANCER])["LoadBalancers"][0]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    zone = route53.list_hosted_zones_by_name(DNSName=aws.DOMAIN)["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    alias = next(record["AliasTarget"]["DNSName"] for record in records if record["Type"] == "A")
    assert alias.rstrip(".") == balancer["DNSName"].lower()
    assert [listener["Port"] for listener in listeners] == [443]
    assert aws.WEB_ACL in {acl["Name"] for acl in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]}
