"""What stands in AWS around the system is as it was drawn."""

from __future__ import annotations

import pytest

from fixtures.target.cloud import (
    AdminsHaveMfa,
    DnsRecord,
    LoadBalancer,
    SecurityGroups,
    TargetsHealthy,
    WebAcl,
)
from suites.conftest import Prove

pytestmark = pytest.mark.preflight


def test_web_acl(check: WebAcl, prove: Prove) -> None:
    """The web ACL has each rule that it must have, and stops what they match."""
    prove(check)


def test_security_groups(check: SecurityGroups, prove: Prove) -> None:
    """No security group lets the world in on a port that is not meant for it."""
    prove(check)


def test_load_balancer(check: LoadBalancer, prove: Prove) -> None:
    """The load balancer is active and listens where it must."""
    prove(check)


def test_targets_healthy(check: TargetsHealthy, prove: Prove) -> None:
    """The load balancer finds every replica of the side being proven healthy."""
    prove(check)


def test_dns_record(check: DnsRecord, prove: Prove) -> None:
    """The system's name leads to an address."""
    prove(check)


def test_administrators(check: AdminsHaveMfa, prove: Prove) -> None:
    """Nobody administers the account with a password alone."""
    prove(check)
