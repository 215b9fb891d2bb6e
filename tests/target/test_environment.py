"""Environments: credentials by reference, and nothing silently unverified."""

from __future__ import annotations

import re

import pytest

from fixtures.evidence import Refused
from fixtures.target import Credential, MissingCredential, Side
from fixtures.target.environment import REFERENCE
from tests.target.profiles import SMALL, built, changed, only

STAGING = """\
  staging:
    context: staging
    namespaces: {blue: small, green: small-green}
    entry: https://staging.example.com
    prometheus: http://prometheus:9090
    alertmanager: http://alertmanager:9093
    sink: http://sink:9095
    aws: {region: eu-west-1, access_key: env:KEY, secret_key: "secret:ops/aws/secret_key"}
    stores:
      database: {blue: env:BLUE, green: env:GREEN}
      cache: {blue: env:BLUE, green: env:GREEN}
    absent: {elasticsearch: not used, mongodb: not used, scans: nobody scans}
"""


def test_an_environment_states_every_part_or_says_why_not() -> None:
    text = changed("checks:\n", f"{STAGING}checks:\n")
    staging = built(text).environment("staging")
    assert not staging.embedded
    assert staging.lacks("logs", frozenset({"elasticsearch"})) == "not used"
    assert staging.lacks("nodes", frozenset({"kubernetes"})) == ""
    silent = only(changed("    sink: http://sink:9095\n", "", text))
    assert silent.path == "environments.staging"
    assert silent.read == "nothing about sink"


def test_a_check_can_be_declared_impossible_by_its_name() -> None:
    text = changed("embedded: true", "embedded: true, absent: {nodes: one node is all there is}")
    lab = built(text).environment("lab")
    assert lab.lacks("nodes", frozenset()) == "one node is all there is"


def test_a_credential_is_looked_up_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERDIGRIS_TEST_SECRET", "s3cret")
    assert Credential.read("env:VERDIGRIS_TEST_SECRET").value() == "s3cret"


def test_a_credential_of_the_cluster_is_read_once_and_does_not_show_itself() -> None:
    asked: list[tuple[str, str, str]] = []

    def secret(namespace: str, name: str, key: str) -> str:
        asked.append((namespace, name, key))
        return "of the cluster"

    found = Credential.read("secret:ops/aws/secret_key").read_by(secret)
    assert (found.value(), found.value()) == ("of the cluster", "of the cluster")
    assert asked == [("ops", "aws", "secret_key")]
    assert "of the cluster" not in f"{found} {found!r}"


def test_a_credential_that_the_cluster_does_not_give_says_why() -> None:
    def refused(namespace: str, name: str, key: str) -> str:
        raise Refused(f"may not read {namespace}/{name}/{key}")

    with pytest.raises(MissingCredential, match="may not read ops/aws/key"):
        Credential.read("secret:ops/aws/key").read_by(refused).value()


def test_a_credential_that_leads_nowhere_says_so() -> None:
    with pytest.raises(MissingCredential, match="VERDIGRIS_NOBODY_SETS_THIS is not set"):
        Credential.read("env:VERDIGRIS_NOBODY_SETS_THIS").value()
    with pytest.raises(MissingCredential, match="was not read from the cluster"):
        Credential.read("secret:ops/aws/key").value()


def test_a_credential_of_the_lab_does_not_show_itself() -> None:
    credential = Credential.of_lab("s3cret")
    assert credential.value() == "s3cret"
    assert "s3cret" not in f"{credential} {credential!r}"


@pytest.mark.parametrize(
    "text", ["s3cret", "env:", "env:1A", "secret:a/b", "secret:a/b/", "file:/x", "env:A B"]
)
def test_a_literal_is_no_reference(text: str) -> None:
    assert not re.fullmatch(REFERENCE, text)


def test_both_sides_are_needed() -> None:
    problem = only(changed("{blue: small, green: small-green}", "{blue: small}"))
    assert problem.path == "environments.lab.namespaces.green"
    assert built(SMALL).environment("lab").namespaces[Side.BLUE] == "small"
