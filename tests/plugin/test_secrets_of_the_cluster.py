"""Credentials that stand in a secret of the cluster: read when the environment opens, and never shown."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.plugin.sandbox import PROFILE, Sandbox
from tests.suites.servers import Canned, http_server, nobody

pytest_plugins = ["pytester"]

VALUE = "of the cluster/alone+1"
PEOPLE = '{user: "secret:shop/login/user", password: "secret:shop/login/password"}'
STORES = 'stores: {database: {blue: "secret:shop/stores/url", green: "secret:shop/stores/url"}}'
REFERENCES = {
    "{user: env:SHOP_USER, password: env:SHOP_PASSWORD}": PEOPLE,
    "      kubernetes: no cluster in this test\n": "",
    "    entry: https://shop.test\n": f"    entry: https://shop.test\n    kubeconfig: kubeconfig\n    {STORES}\n",
    "      database: none\n": "",
}
SHOWS = """
def test_shows(environment, judge, certificate):
    import base64
    password, user = (environment.credentials[name].value() for name in ("password", "user"))
    print(password, user, environment, environment.stores.database.green.value())
    os.write(2, base64.b64encode(password.encode()))
    evidence = (Evidence(password, user),)
    judge(certificate, Measurement(1.0, "violations", 3, 1, why=f"{password} of {user}", evidence=evidence))
"""
NEEDS = """
def test_needs(environment, judge, certificate, target):
    from fixtures.target import Side
    from scenarios.surroundings import Surroundings
    Surroundings(target, environment, Side.GREEN).credential("password")
"""


def cluster(sandbox: Sandbox, server: str) -> None:
    """The sandbox's environment with its credentials in the cluster of that address."""
    text = PROFILE
    for plain, referring in REFERENCES.items():
        assert plain in text
        text = text.replace(plain, referring)
    (sandbox.pytester.path / "shop.yaml").write_text(text, encoding="utf-8")
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "token-of-me"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
    }
    (sandbox.pytester.path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))


def secret(**values: str) -> tuple[int, Any]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return 200, {"kind": "Secret", "metadata": {"name": "x", "namespace": "shop"}, "data": data}


HELD: Canned = {
    "/api/v1/namespaces/shop/secrets/login": secret(password=f"{VALUE}\n", user="inspector-of-secrets"),
    "/api/v1/namespaces/shop/secrets/stores": secret(url="postgresql://shop:in-the-url@db/shop"),
}


def written(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


def test_a_secret_of_the_cluster_is_used_and_is_in_no_artefact(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", SHOWS)
    with http_server(HELD) as server:
        cluster(sandbox, server)
        result = sandbox.apart("-rA")
    assert result.ret == 1, "the suite got them, and judged"
    shown = "\n".join([written(sandbox.folder), *result.outlines, *result.errlines])
    encoded = base64.b64encode(VALUE.encode()).decode().rstrip("=")[:-1]
    for spelling in (VALUE, quote(VALUE, safe=""), encoded, "inspector-of-secrets", "in-the-url"):
        assert spelling not in shown
    assert "••• of •••" in sandbox.read("summary.md")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "secret:shop/login/password cannot be read: the cluster does not have"),
        ({"/api/v1/namespaces/shop/secrets/login": secret(other="x")}, "has no text in its key password"),
        ({"/api/v1/namespaces/shop/secrets/login": (403, {"message": "forbidden"})}, "does not let us"),
    ],
)
def test_one_that_cannot_be_read_is_unknown_and_says_why(sandbox: Sandbox, held: Canned, words: str) -> None:
    sandbox.suite("preflight", NEEDS)
    with http_server(held) as server:
        cluster(sandbox, server)
        assert sandbox.apart().ret == 10
    assert words in sandbox.verdict["findings"][0]["reason"]


def test_a_cluster_that_does_not_answer_leaves_them_unknown(sandbox: Sandbox) -> None:
    sandbox.suite("preflight", NEEDS)
    cluster(sandbox, f"http://{nobody()}")
    assert sandbox.apart().ret == 10
    assert "the cluster's API does not answer" in sandbox.verdict["findings"][0]["reason"]
