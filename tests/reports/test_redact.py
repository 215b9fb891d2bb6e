"""Secrets do not come out, however they are written; everything else does."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

from fixtures.redact import MARK, Redactor, secrets_of

SECRETS = some.text(some.characters(codec="utf-8", exclude_characters="•"), min_size=4, max_size=40).filter(
    lambda one: len(one.strip()) >= 4
)
TEXT = some.text(some.characters(codec="utf-8"), max_size=60)
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "quoted for a path": quote,
    "quoted for a query": quote_plus,
    "quoted entirely": lambda one: quote(one, safe=""),
    "HTML": html.escape,
    "JSON": lambda one: json.dumps(one)[1:-1],
    "JSON, not ASCII": lambda one: json.dumps(one, ensure_ascii=False)[1:-1],
    "Python": lambda one: repr(one)[1:-1],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(deadline=None)
@given(secret=SECRETS, before=TEXT, after=TEXT)
def test_a_known_secret_comes_out_in_no_spelling(spelling: str, secret: str, before: str, after: str) -> None:
    spelled = SPELLINGS[spelling](secret)
    redact = Redactor([secret])
    assert spelled not in redact(f"{before}{spelled}{after}")


@settings(deadline=None)
@given(secret=SECRETS, before=some.binary(max_size=20), after=some.binary(max_size=20))
def test_a_known_secret_cannot_be_had_back_out_of_base64(secret: str, before: bytes, after: bytes) -> None:
    """Whatever stands around it: its bytes may begin at any of three places in a group."""
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    assume(MARK not in encoded)
    for text in (encoded, encoded.replace("+", "-").replace("/", "_")):
        assert MARK in Redactor([secret])(f"Basic {text}") or MARK in Redactor([secret])(text)


@settings(deadline=None)
@given(
    secrets=some.lists(SECRETS, min_size=1, max_size=4), text=TEXT, order=some.randoms(use_true_random=False)
)
def test_secrets_within_secrets_and_in_a_row_are_all_hidden(
    secrets: list[str], text: str, order: object
) -> None:
    redact = Redactor([*secrets, secrets[0] + "more"])
    hidden = redact(text.join(secrets) + secrets[0] + "more")
    assert all(one not in hidden for one in secrets)


@settings(deadline=None)
@given(secret=SECRETS, text=TEXT)
def test_redacting_twice_changes_nothing(secret: str, text: str) -> None:
    redact = Redactor([secret])
    once = redact(f"{text} {secret} password={text}")
    assert redact(once) == once


@settings(deadline=None)
@given(TEXT)
@example("missing secret: hwayo-db in hwayo-production-green")
@example("token refused: 401, expected 200")
@example("password reset page answered 200 in 12 ms")
@example("secret hwayo-auth has no key jwt-signing")
@example("GET /api/v1/auth/token 200")
def test_ordinary_words_are_left_alone(text: str) -> None:
    assume(not any(sign in text for sign in "=:@"))
    assert Redactor(["correct-horse"])(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "missing secret: hwayo-db in hwayo-production-green",
        "auth-service: token: expired 3 min ago",
        "https://hwayo.test:8443/api/v1/records?page=2",
        "2025-05-31T09:00:00Z postgres@10.1.2.3:5432",
        "sha256:3b1f9c1d6a2e4f5a8b7c",
    ],
)
def test_what_names_a_cause_stays_readable(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abc.def", "abc.def"),
        ("authorization: basic dXNlcjpwdw==", "dXNlcjpwdw=="),
        ("'Authorization': 'Bearer abcdefghij'", "abcdefghij"),
        ("sent Bearer abcdefghij to it", "abcdefghij"),
        ("postgresql://hwayo:pw@127.0.0.1/db", "pw@"),
        ("redis://:pw-x@127.0.0.1:6379/0", "pw-x"),
        ("host=db password=pw-x dbname=hwayo", "pw-x"),
        ('{"password": "pw-x"}', "pw-x"),
        ("password: pw-x", "pw-x"),
        ("PGPASSWORD=pw-x", "pw-x"),
        ("?access_token=pw-x&page=2", "pw-x"),
        ('{"secret_key":"pw-x"}', "pw-x"),
        ("api-key=pw-x", "pw-x"),
        ("Set-Cookie: session=pw-x; Path=/", "pw-x"),
        ("-----BEGIN RSA PRIVATE KEY-----\npw-x\n-----END RSA PRIVATE KEY-----", "pw-x"),
        ("eyJhbGciOiJI.eyJzdWIiOiJp.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("key AKIAIOSFODNN7EXAMPLE was used", "AKIAIOSFODNN7EXAMPLE"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_without_being_known(text: str, hidden: str) -> None:
    assert hidden not in Redactor()(text)
    assert MARK in Redactor()(text)


def test_a_short_secret_hides_only_where_it_stands_as_one() -> None:
    redact = Redactor(["lab", "a", ""])
    assert redact("the lab is a lab; secret_key=lab") == "the lab is a lab; secret_key=•••"


def test_of_a_url_only_the_password_is_secret() -> None:
    redact = Redactor(["postgresql://hwayo:p%40ss-word@127.0.0.1:5432/hwayo", "host=db password='quoted-pw'"])
    assert redact("hwayo at 127.0.0.1:5432 with p@ss-word or p%40ss-word or quoted-pw") == (
        "hwayo at 127.0.0.1:5432 with ••• or ••• or •••"
    )


def test_a_picture_is_left_whole() -> None:
    picture = "data:image/png;base64,c2VjcmV0LXRoaW5n"
    hidden = Redactor(["secret-thing"])(f'<img src="{picture}"> c2VjcmV0LXRoaW5n')
    assert hidden == f'<img src="{picture}"> {MARK}'


def test_facts_give_up_what_their_names_say_is_secret() -> None:
    facts = {
        "entry": "https://127.1.0.10:8443",
        "aws": {"access_key": "AK-1", "secret_key": "SK-1", "region": "here"},
        "stores": {"database": {"blue": "postgresql://u:pw-blue@h/d"}},
        "credentials": {"user": "inspector", "password": "pw-user", "admin": "root"},
        "users": [{"user": {"token": "tk-1", "client-key-data": "ckd-1"}}],
        "tokens": ["tk-2", "tk-3"],
    }
    assert set(secrets_of(facts)) == {
        "AK-1", "SK-1", "postgresql://u:pw-blue@h/d", "pw-user", "tk-1", "ckd-1", "tk-2", "tk-3",
    }  # fmt: skip


TREES = some.recursive(
    TEXT | some.integers() | some.none(), lambda inner: some.lists(inner) | some.dictionaries(TEXT, inner)
)


@settings(deadline=None)
@given(TREES)
def test_data_keeps_its_shape(data: object) -> None:
    hidden = Redactor(["correct-horse"]).tree({"data": data})["data"]
    assert type(hidden) is type(data)
    if isinstance(data, (list, dict)) and isinstance(hidden, (list, dict)):
        assert len(hidden) == len(data)


def test_data_under_a_telling_name_is_hidden_known_or_not() -> None:
    data = {"password": "x", "nested": [{"api_key": "y", "user": "z"}], "token": 3, "secret": ""}
    assert Redactor().tree(data) == {
        "password": MARK, "nested": [{"api_key": MARK, "user": "z"}], "token": 3, "secret": "",
    }  # fmt: skip
