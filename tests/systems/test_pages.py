"""The pages: who may see which, and that they hold what docs/hwayo-api.md names."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

GUIDE = Path(__file__).parents[2] / "docs/hwayo-api.md"
Headers = dict[str, str]
PAGES = ("/login", "/dashboard", "/records/new", "/records/1", "/reports/1", "/portal", "/audit")


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/login"])
def test_a_page_without_a_session_leads_to_the_login(door: httpx.Client, path: str) -> None:
    answer = door.get(path)
    assert (answer.status_code, answer.headers["location"]) == (302, f"/login?next={path}")


def test_a_dead_session_leads_to_the_login_too(door: httpx.Client) -> None:
    answer = door.get("/dashboard", headers={"cookie": "hwayo_session=dead"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/login?next=/dashboard")


def test_home_is_where_a_role_belongs(door: httpx.Client, inspector: Headers, customer: Headers) -> None:
    where = [door.get("/", headers=headers).headers["location"] for headers in ({}, inspector, customer)]
    assert where == ["/login", "/dashboard", "/portal"]
    assert door.get("/dashboard", headers=customer).headers["location"] == "/portal"
    assert door.get("/portal", headers=inspector).headers["location"] == "/dashboard"


@pytest.mark.parametrize("path", ["/", "/login", "/static/app.js"])
def test_whether_a_page_is_there_may_be_asked_without_fetching_it(door: httpx.Client, path: str) -> None:
    asked, fetched = door.head(path), door.get(path)
    assert asked.status_code == fetched.status_code
    assert asked.content == b""
    assert asked.headers.get("content-type") == fetched.headers.get("content-type")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_what_the_guide_names(
    door: httpx.Client, inspector: Headers, customer: Headers, path: str
) -> None:
    page = door.get(path, headers=customer if path == "/portal" else inspector)
    assert page.status_code == 200
    row = re.search(
        rf"^\| `{re.escape(path.replace('/1', '/{id}'))}` (\S+) \|(.+)\|$", GUIDE.read_text(), re.MULTILINE
    )
    assert row
    assert f"<h1>{row[1]}</h1>" in page.text
    ids = set(re.findall(r"`#([a-z-]+)`", row[2]))
    assert ids <= set(re.findall(r'id="([a-z-]+)"', page.text))
    assert '<html lang="zh-Hant">' in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(("file", "kind"), [("app.css", "text/css"), ("app.js", "text/javascript")])
def test_a_page_brings_its_style_and_script(door: httpx.Client, file: str, kind: str) -> None:
    address = re.search(rf'"(/static/{re.escape(file)}\?[^"]+)"', door.get("/login").text)
    assert address
    answer = door.get(address[1])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("name", ["nothing.js", "..%2Flogin.html", "%2e%2e/login.html"])
def test_nothing_else_is_served_as_a_file(door: httpx.Client, name: str) -> None:
    assert door.get(f"/static/{name}").status_code == 404
