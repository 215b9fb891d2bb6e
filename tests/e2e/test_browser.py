"""The browser is the machine's own, trusts one key only, and leaves no secret behind."""

from __future__ import annotations

import secrets
import ssl
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright
from playwright.sync_api import Error as BrowserError

from fixtures.browser import NoBrowser, installed, launch_options, pin_of, started, without_secrets
from fixtures.evidence import Missing
from fixtures.lab.pki import Authority
from fixtures.probes.tls import Door
from fixtures.redact import Redactor
from tests.e2e.site import Answer, Site, page, served

PASSWORD = "correct-horse/battery+staple"
SESSION = secrets.token_hex(12)  # which nobody registers


def test_the_systems_own_chromium_is_found_on_the_path(tmp_path: Path) -> None:
    assert installed(str(tmp_path)) is None
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert installed(str(tmp_path)) == str(tmp_path / name)


def test_what_the_command_line_asks_for_is_kept() -> None:
    told = launch_options("chromium", told={"channel": "msedge", "headless": False, "args": ["--mute-audio"]})
    assert "executable_path" not in told
    assert (told["channel"], told["headless"]) == ("msedge", False)
    assert told["args"][0] == "--mute-audio"
    assert launch_options("firefox", "pin", {"headless": False}) == {"headless": False}


def test_a_browser_that_is_not_there_is_said_with_what_to_do(playwright: Playwright, tmp_path: Path) -> None:
    def launch() -> Browser:
        return playwright.chromium.launch(executable_path=tmp_path / "chromium")

    with pytest.raises(NoBrowser, match="playwright install chromium"), started(launch, "chromium"):
        pass


# --- trust ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def secure(site: Site, tmp_path: Path) -> Iterator[tuple[Site, Authority]]:
    """The site behind TLS, with a certificate of an authority of its own."""
    authority = Authority.create(tmp_path)
    authority.issue(["127.0.0.1"]).write(tmp_path, "site")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "site.crt", tmp_path / "site.key")
    with served(context) as found:
        found.answers["/"] = page()
        yield found, authority


def test_the_pinned_key_is_trusted_and_no_other(
    playwright: Playwright, secure: tuple[Site, Authority], tmp_path: Path
) -> None:
    site, _ = secure
    pin = pin_of(Door.of(site.url, ca=tmp_path / "ca.crt"))
    with started(
        lambda: playwright.chromium.launch(**launch_options("chromium", pin)), "chromium"
    ) as browser:
        answer = browser.new_page().goto(site.url)
        assert answer is not None
        assert answer.ok
    other = pin[::-1]
    with (
        started(
            lambda: playwright.chromium.launch(**launch_options("chromium", other)), "chromium"
        ) as browser,
        pytest.raises(BrowserError, match="ERR_CERT_AUTHORITY_INVALID"),
    ):
        browser.new_page().goto(site.url)


def test_a_certificate_of_another_authority_is_not_pinned(
    secure: tuple[Site, Authority], tmp_path: Path
) -> None:
    site, _ = secure
    Authority.create(tmp_path / "other")
    with pytest.raises(Missing, match="no browser may accept"):
        pin_of(Door.of(site.url, ca=tmp_path / "other" / "ca.crt"))


# --- traces -----------------------------------------------------------------------------------------------------------
def test_a_trace_holds_no_secret_and_can_still_be_read(browser: Browser, site: Site, tmp_path: Path) -> None:
    form = "<form><input name=user><input name=password type=password></form>"
    site.answers["/"] = page(form)
    site.answers["/in"] = Answer("ok", headers={"set-cookie": f"session={SESSION}; HttpOnly"})
    context = browser.new_context(base_url=site.url)
    context.tracing.start(snapshots=True, screenshots=True, sources=True)
    tab = context.new_page()
    tab.goto("/")
    tab.fill("[name=user]", "inspector")
    tab.fill("[name=password]", PASSWORD)
    tab.evaluate("body => fetch('/in', {method: 'POST', body})", f'{{"password": "{PASSWORD}"}}')
    tab.goto("/")  # now with the cookie
    trace = tmp_path / "trace.zip"
    context.tracing.stop(path=trace)
    context.close()
    before = everything(trace)
    assert PASSWORD.encode() in before
    assert SESSION.encode() in before
    without_secrets(trace, Redactor([PASSWORD]))
    kept = everything(trace)
    assert PASSWORD.encode() not in kept
    assert SESSION.encode() not in kept
    assert b"inspector" in kept
    assert b'"type":"context-options"' in kept


def everything(trace: Path) -> bytes:
    with zipfile.ZipFile(trace) as members:
        return b"\n".join(members.read(name) for name in members.namelist())
