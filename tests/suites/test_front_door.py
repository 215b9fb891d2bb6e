"""The front door's checks shake hands with real TLS servers."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from fixtures.probes import tls
from fixtures.probes.http import Entry, open_client
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.recorded import around, the_check
from tests.suites.servers import certificate, http_server, nobody, silent_server


def at(url: str, folder: Path, name: str, host: str | None = None) -> Measurement:
    return measure(the_check(name), around(entry=url, host=host, ca=str(folder / "ca.crt")))


def versions(
    folder: Path, least: ssl.TLSVersion, most: ssl.TLSVersion, names: str = "localhost"
) -> ssl.SSLContext:
    context = certificate(folder, names)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = least, most
    return context


def test_a_door_that_speaks_only_tls_13_keeps_the_promise(tmp_path: Path) -> None:
    with http_server({}, versions(tmp_path, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)) as url:
        found = at(url, tmp_path, "tls-version")
    assert (found.value, found.samples) == (0, 4)


def test_a_door_that_still_speaks_tls_12_is_named_with_what_was_agreed(tmp_path: Path) -> None:
    with http_server({}, versions(tmp_path, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)) as url:
        found = at(url, tmp_path, "tls-version")
    assert found.value == 1
    assert "TLS 1.2" in found.why
    assert "accepts it (TLSv1.2, " in found.why


def test_a_door_that_does_not_speak_tls_13_is_named(tmp_path: Path) -> None:
    with http_server({}, versions(tmp_path, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)) as url:
        found = at(url, tmp_path, "tls-version")
    assert "TLS 1.3" in found.why
    assert "refuses it" in found.why


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_the_oldest_versions_are_offered_so_that_a_refusal_is_the_servers_own(tmp_path: Path) -> None:
    with http_server({}, versions(tmp_path, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3)) as url:
        door = tls.Door.of(url)
        assert all(tls.handshake(door, version).accepted for version in tls.VERSIONS)


@pytest.mark.parametrize("name", ["tls-version", "certificate-valid"])
def test_a_door_where_nobody_answers_is_no_evidence(tmp_path: Path, name: str) -> None:
    certificate(tmp_path, "localhost")
    found = at(f"https://{nobody()}", tmp_path, name)
    assert found.value is None
    assert "nobody answers at" in found.why


def test_a_door_that_never_says_a_word_is_given_up(tmp_path: Path) -> None:
    certificate(tmp_path, "localhost")
    with silent_server() as where:
        found = at(f"https://{where}", tmp_path, "tls-version")
    assert found.value is None
    assert "says nothing to a TLS 1.0 greeting" in found.why


def served(folder: Path, *names: str, days: float = 30, begun_days_ago: float = 0) -> Measurement:
    context = certificate(folder, *names, days=days, begun_days_ago=begun_days_ago)
    with http_server({}, context) as url:
        host = url.split("//")[1].split(":")[0]
        if "itself" in names:
            context.load_cert_chain(*_issued(folder, host))
        return at(url, folder, "certificate-valid")


def _issued(folder: Path, host: str) -> tuple[Path, Path]:
    certificate(folder, host)
    return folder / "server.crt", folder / "server.key"


def test_a_certificate_for_the_name_with_time_left_is_valid(tmp_path: Path) -> None:
    found = served(tmp_path, "itself")
    assert found.value == 0, found.why


def test_an_expired_certificate_is_named_with_its_date(tmp_path: Path) -> None:
    assert "the certificate expired on 20" in served(tmp_path, "localhost", begun_days_ago=31).why


def test_a_certificate_for_another_name_is_not_trusted(tmp_path: Path) -> None:
    found = served(tmp_path, "hwayo.com")
    assert "is not trusted for 127." in found.why


def test_a_certificate_of_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    context = certificate(tmp_path / "other", "localhost")
    certificate(tmp_path, "localhost")
    with http_server({}, context) as url:
        assert "is not trusted" in at(url, tmp_path, "certificate-valid").why


def test_a_certificate_from_the_future_is_not_valid_yet(tmp_path: Path) -> None:
    assert "is not valid before" in served(tmp_path, "localhost", begun_days_ago=-2).why


def test_a_certificate_about_to_end_is_named_with_its_days(tmp_path: Path) -> None:
    context = certificate(tmp_path, "localhost")
    with http_server({}, context) as url:
        host = url.split("//")[1].split(":")[0]
        certificate(tmp_path, host, days=3)
        context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
        found = at(url, tmp_path, "certificate-valid")
    assert "the certificate ends in 3.0 days, where 14d must be left" in found.why


def test_a_client_of_the_door_keeps_no_cookie_and_follows_no_redirect(tmp_path: Path) -> None:
    with http_server({"/": (302, "there")}) as url, open_client(Entry(url, {"canary": "true"})) as client:
        assert client.get("/").status_code == 302
        client.cookies.extract_cookies(client.get("/"))
        assert not client.cookies.jar


def test_the_name_that_users_type_is_asked_for_and_held_against_the_certificate(tmp_path: Path) -> None:
    typed: list[str | None] = []
    context = certificate(tmp_path, "shop.example.com")
    context.sni_callback = lambda _, name, __: typed.append(name)
    with http_server({"/": (200, "there")}, context) as url:
        assert at(url, tmp_path, "certificate-valid", host="shop.example.com").value == 0
        with open_client(Entry(url, ca=tmp_path / "ca.crt", host="shop.example.com")) as client:
            answer = client.get("/")
        other = at(url, tmp_path, "certificate-valid", host="hwayo.com")
    assert answer.status_code == 200
    assert answer.request.headers["host"] == "shop.example.com"
    assert set(typed) == {"shop.example.com", "hwayo.com"}
    assert "the certificate is not trusted for hwayo.com: Hostname mismatch" in other.why
