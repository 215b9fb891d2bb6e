"""Hwayo's API, end to end: through the gateway, to the stores and back."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from fixtures.lab.systems.serving.sessions import Tokens
from tests.systems.side import CREDENTIALS, Side, wait_until

Headers = dict[str, str]
RECORD: dict[str, Any] = {
    "project": "台北捷運萬大線",
    "item": "混凝土抗壓",
    "customer": "customer",
    "inspected_on": "2025-05-31",
    "value": 312.5,
    "unit": "kgf/cm²",
    "passed": True,
    "remark": "",
}


def submit(door: httpx.Client, headers: Headers, **changes: object) -> httpx.Response:
    return door.post("/api/v1/data-records", headers=headers, json={**RECORD, **changes})


def finished(door: httpx.Client, headers: Headers, url: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def over() -> bool:
        seen.update(door.get(url, headers=headers).json())
        return seen["status"] in ("done", "failed")

    wait_until(over)
    return seen


# --- login ---------------------------------------------------------------------------------------------------------
def test_a_right_password_gives_a_token_and_a_cookie(door: httpx.Client) -> None:
    login = {"username": "inspector", "password": CREDENTIALS["password"]}
    answer = door.post("/api/v1/auth/login", json=login)
    assert answer.status_code == 200
    assert answer.json().keys() == {"token", "expires_in", "role"}
    assert answer.json()["role"] == "inspector"
    assert answer.json()["expires_in"] == 3600
    for attribute in ("hwayo_session=", "HttpOnly", "Secure", "SameSite=Lax"):
        assert attribute in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "login", [("inspector", "wrong"), ("nobody", "wrong"), ("inspector' OR 1=1 --", "x")]
)
def test_a_wrong_login_is_401(door: httpx.Client, login: tuple[str, str]) -> None:
    answer = door.post("/api/v1/auth/login", json=dict(zip(("username", "password"), login, strict=True)))
    assert answer.status_code == 401
    assert "token" not in answer.json()


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b"{}", 422), (b'{"username": 1, "password": []}', 422)]
)
def test_what_is_no_login_is_refused_as_such(door: httpx.Client, body: bytes, status: int) -> None:
    assert door.post("/api/v1/auth/login", content=body).status_code == status


def test_the_session_is_known_by_token_and_by_cookie(door: httpx.Client, inspector: Headers) -> None:
    by_token = door.get("/api/v1/me", headers=inspector)
    cookie = f"hwayo_session={inspector['authorization'].removeprefix('Bearer ')}"
    by_cookie = door.get("/api/v1/me", headers={"cookie": cookie})
    assert (
        by_token.json()
        == by_cookie.json()
        == {"username": "inspector", "role": "inspector", "name": "王檢驗員"}
    )


@pytest.mark.parametrize("key", ["right", "wrong"])
def test_expired_and_forged_tokens_are_401(door: httpx.Client, key: str) -> None:
    ttl_s = -1 if key == "right" else 3600
    tokens = Tokens(CREDENTIALS["token_key"] if key == "right" else "another key", ttl_s)
    answer = door.get("/api/v1/me", headers={"authorization": f"Bearer {tokens.issue('admin', 'admin')}"})
    assert answer.status_code == 401
    assert ("expired" if key == "right" else "signature") in answer.json()["error"]


def test_a_token_ends_when_its_time_is_up(door: httpx.Client) -> None:
    token = Tokens(CREDENTIALS["token_key"], 2).issue("inspector", "inspector")
    headers = {"authorization": f"Bearer {token}"}
    assert door.get("/api/v1/me", headers=headers).status_code == 200
    wait_until(lambda: door.get("/api/v1/me", headers=headers).status_code == 401, 4)


@pytest.mark.parametrize("credentials", ["Bearer", "Bearer x", "Bearer a.b.c", "Bearer é", "Basic YTpi"])
def test_what_is_no_token_is_401(door: httpx.Client, credentials: str) -> None:
    headers = httpx.Headers({"authorization": credentials}, encoding="utf-8")
    assert door.get("/api/v1/me", headers=headers).status_code == 401


def test_logout_ends_the_session_everywhere(door: httpx.Client, inspector: Headers) -> None:
    answer = door.post("/api/v1/auth/logout", headers=inspector)
    assert answer.status_code == 204
    assert 'hwayo_session=""' in answer.headers["set-cookie"]
    wait_until(lambda: door.get("/api/v1/me", headers=inspector).status_code == 401, 3)


# --- users ---------------------------------------------------------------------------------------------------------
def test_an_admin_registers_a_user_who_can_log_in_until_disabled(door: httpx.Client, admin: Headers) -> None:
    user = {
        "username": f"u{uuid.uuid4().hex[:8]}",
        "password": "long enough",
        "role": "inspector",
        "name": "新人",
    }
    made = door.post("/api/v1/users", headers=admin, json=user)
    assert (made.status_code, made.json()) == (201, {k: user[k] for k in ("username", "role", "name")})
    assert door.post("/api/v1/users", headers=admin, json=user).status_code == 409

    login = {"username": user["username"], "password": user["password"]}
    theirs = {"authorization": f"Bearer {door.post('/api/v1/auth/login', json=login).json()['token']}"}
    assert door.get("/api/v1/me", headers=theirs).json()["name"] == "新人"

    assert door.delete(f"/api/v1/users/{user['username']}", headers=admin).status_code == 204
    assert door.delete(f"/api/v1/users/{user['username']}", headers=admin).status_code == 404
    assert door.post("/api/v1/auth/login", json=login).status_code == 401
    wait_until(lambda: door.get("/api/v1/notifications", headers=theirs).status_code == 401, 3)


def test_a_bad_registration_names_every_field(door: httpx.Client, admin: Headers) -> None:
    answer = door.post(
        "/api/v1/users", headers=admin, json={"username": "A", "password": "x", "role": "king"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"].keys() == {"username", "password", "role"}


def test_nobody_disables_themselves(door: httpx.Client, admin: Headers) -> None:
    assert door.delete("/api/v1/users/admin", headers=admin).status_code == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/users"),
        ("DELETE", "/api/v1/users/admin"),
        ("GET", "/api/v1/data-records"),
        ("POST", "/api/v1/data-records"),
        ("GET", "/api/v1/audit"),
    ],
)
def test_a_customer_is_kept_out(door: httpx.Client, customer: Headers, method: str, path: str) -> None:
    assert door.request(method, path, headers=customer, json={}).status_code == 403


# --- records and audit ---------------------------------------------------------------------------------------------
def test_a_submitted_record_is_kept_and_on_the_audit_trail(
    side: Side, door: httpx.Client, inspector: Headers
) -> None:
    made = submit(door, inspector)
    assert made.status_code == 201
    record = made.json()
    assert {name: record[name] for name in RECORD} == RECORD
    assert record["inspector"] == "inspector"
    assert door.get(f"/api/v1/data-records/{record['id']}", headers=inspector).json() == record
    assert door.get("/api/v1/data-records", headers=inspector).json()["records"][0] == record

    entries = door.get(f"/api/v1/audit?record={record['id']}", headers=inspector).json()["entries"]
    assert [entry["operation"] for entry in entries] == ["record.view", "record.create"]
    assert {entry["actor"] for entry in entries} == {"inspector"}
    assert side.sql(f"SELECT passed FROM records WHERE id = {record['id']}") == [(True,)]


def test_a_failed_submission_leaves_nothing(side: Side, door: httpx.Client, inspector: Headers) -> None:
    before = side.sql("SELECT count(*) FROM audit_log WHERE operation = 'record.create'")
    assert submit(door, inspector, customer="inspector").status_code == 422
    assert side.sql("SELECT count(*) FROM audit_log WHERE operation = 'record.create'") == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project", ""),
        ("project", "x" * 121),
        ("item", "咖啡"),
        ("customer", "nobody"),
        ("inspected_on", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"),
        ("inspected_on", "2025-13-01"),
        ("value", "312"),
        ("value", -1),
        ("value", True),
        ("unit", None),
        ("passed", "true"),
        ("remark", "x" * 501),
    ],
)
def test_a_bad_field_is_422_and_named(
    door: httpx.Client, inspector: Headers, field: str, value: object
) -> None:
    answer = submit(door, inspector, **{field: value})
    assert answer.status_code == 422
    assert answer.json()["error"] == "validation"
    assert list(answer.json()["errors"]) == [field]


def test_records_are_paged_newest_first(door: httpx.Client, inspector: Headers) -> None:
    first = door.get("/api/v1/data-records?limit=3&before=100", headers=inspector).json()["records"]
    assert [record["id"] for record in first] == [99, 98, 97]
    assert door.get("/api/v1/data-records?limit=0", headers=inspector).status_code == 422


@pytest.mark.parametrize(
    "path", ["data-records/99999999999999999999", "data-records/2000000000", "data-records/x", "x"]
)
def test_what_is_not_there_is_404(door: httpx.Client, inspector: Headers, path: str) -> None:
    answer = door.get(f"/api/v1/{path}", headers=inspector)
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_logins_are_on_the_audit_trail(door: httpx.Client, inspector: Headers) -> None:
    actor = f"ghost-{uuid.uuid4().hex[:6]}"
    door.post("/api/v1/auth/login", json={"username": actor, "password": "x"})
    found = door.get(f"/api/v1/audit?actor={actor}", headers=inspector).json()["entries"]
    assert [entry["operation"] for entry in found] == ["login.failed"]


def test_the_application_cannot_rewrite_its_audit_trail(side: Side) -> None:
    rights = side.sql(
        "SELECT privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = 'hwayo' AND table_name = 'audit_log' ORDER BY 1"
    )
    assert rights == [("INSERT",), ("SELECT",)]


def test_a_database_role_cannot_enter_the_other_sides_database(side: Side) -> None:
    allowed = side.sql(
        "SELECT replace(r.rolname, '_owner', ''), d.datname FROM pg_roles r, pg_database d "
        "WHERE r.rolname LIKE 'hwayo%' AND d.datname LIKE 'hwayo%' AND has_database_privilege(r.oid, d.oid, 'CONNECT')"
    )
    assert set(map(tuple, allowed)) == {("hwayo", "hwayo"), ("hwayo_green", "hwayo_green")}


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800"])
def test_text_that_no_database_holds_is_422(door: httpx.Client, inspector: Headers, text: str) -> None:
    for path, body in (
        ("/api/v1/auth/login", {"username": text, "password": text}),
        ("/api/v1/data-records", {**RECORD, "remark": text}),
    ):
        answer = door.post(path, headers=inspector, content=json.dumps(body))
        assert answer.status_code == 422
        assert answer.json()["errors"]
    assert door.get("/api/v1/audit?actor=%00", headers=inspector).status_code == 422


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("[" * 100_000, 400),
        ("x" * 2_000_000, 413),
        (json.dumps({**RECORD, "value": 10**400}), 422),
        (json.dumps({**RECORD, "value": float("nan")}), 422),
    ],
    ids=["deep", "large", "huge number", "no number"],
)
def test_a_monstrous_body_is_the_clients_fault(
    door: httpx.Client, inspector: Headers, content: str, status: int
) -> None:
    answer = door.post("/api/v1/data-records", headers=inspector, content=content)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_wrong_method_is_405(door: httpx.Client) -> None:
    answer = door.put("/api/v1/me")
    assert (answer.status_code, answer.json()) == (405, {"error": "method not allowed"})


# --- the customer --------------------------------------------------------------------------------------------------
def test_the_portal_shows_a_customer_their_own(door: httpx.Client, admin: Headers, customer: Headers) -> None:
    other = f"c{uuid.uuid4().hex[:8]}"
    door.post(
        "/api/v1/users",
        headers=admin,
        json={"username": other, "password": "long enough", "role": "customer"},
    )
    theirs = submit(door, admin, customer=other).json()["id"]
    own = submit(door, admin).json()["id"]
    shown = door.get("/api/v1/portal/records", headers=customer).json()["records"]
    assert shown[0]["id"] == own
    assert {record["customer"] for record in shown} == {"customer"}
    assert door.get(f"/api/v1/data-records/{own}", headers=customer).status_code == 200
    assert door.get(f"/api/v1/data-records/{theirs}", headers=customer).status_code == 404
    assert door.post("/api/v1/reports/generate", headers=customer, json={"record": theirs}).status_code == 404


# --- reports -------------------------------------------------------------------------------------------------------
def test_a_report_is_written_through_the_queue_and_announced(
    side: Side, door: httpx.Client, inspector: Headers
) -> None:
    record = submit(door, inspector, project="淡江大橋 <b>&").json()["id"]
    ordered = door.post("/api/v1/reports/generate", headers=inspector, json={"record": record})
    assert ordered.status_code == 202
    assert ordered.json()["status"] == "queued"
    report = finished(door, inspector, ordered.json()["url"])
    assert report["status"] == "done"
    page = door.get(report["url"], headers=inspector)
    assert page.headers["content-type"].startswith("text/html")
    assert "淡江大橋 &lt;b&gt;&amp;" in page.text
    wait_until(lambda: bool(side.sink.about(f"檢驗報告 #{report['id']}")))
    entries = door.get(f"/api/v1/audit?report={report['id']}", headers=inspector).json()["entries"]
    assert [entry["operation"] for entry in entries] == ["report.done", "report.request"]


def test_somebody_elses_report_is_not_there(
    door: httpx.Client, inspector: Headers, customer: Headers
) -> None:
    url = door.post("/api/v1/reports/generate", headers=inspector, json={"record": 1}).json()["url"]
    assert door.get(url, headers=customer).status_code == 404


@pytest.mark.parametrize(
    ("record", "status"), [(None, 422), ("1", 422), (True, 422), (0, 422), (2_000_000_000, 404)]
)
def test_a_report_needs_a_record(door: httpx.Client, inspector: Headers, record: object, status: int) -> None:
    answer = door.post("/api/v1/reports/generate", headers=inspector, json={"record": record})
    assert answer.status_code == status


# --- notifications -------------------------------------------------------------------------------------------------
def test_a_new_record_notifies_its_customer(
    side: Side, door: httpx.Client, inspector: Headers, customer: Headers
) -> None:
    record = submit(door, inspector).json()["id"]
    subject = f"新檢驗紀錄 #{record}"
    wait_until(lambda: bool(side.sink.about(subject)))
    sent = side.sink.about(subject)[0]
    assert sent["path"] == "/app/customer"
    assert (sent["to"], sent["side"]) == ("customer", "blue")

    def kept() -> dict[str, Any]:
        mine = door.get("/api/v1/notifications", headers=customer).json()["notifications"]
        return next(note for note in mine if note["subject"] == subject)

    wait_until(lambda: kept()["status"] == "delivered")
    assert kept()["attempts"] == 1


def test_a_delivery_is_tried_again_until_the_sink_answers(
    side: Side, door: httpx.Client, inspector: Headers
) -> None:
    side.sink.status = 503
    record = submit(door, inspector).json()["id"]
    wait_until(
        lambda: (
            "the sink answered 503"
            in str(side.sql("SELECT error FROM notifications ORDER BY id DESC LIMIT 1"))
        )
    )
    side.sink.status = 200
    wait_until(lambda: bool(side.sink.about(f"新檢驗紀錄 #{record}")))


# --- who answered --------------------------------------------------------------------------------------------------
def test_every_answer_says_who_gave_it(door: httpx.Client, inspector: Headers) -> None:
    for path in ("/api/v1/me", "/login", "/nowhere", "/workflow/health"):
        answer = door.get(path, headers={**inspector, "x-request-id": "mine"})
        assert answer.headers["x-served-side"] == "blue"
        assert answer.headers["x-served-version"] == "1041-8c1f0aa"
        assert answer.headers["x-served-by"] == "api-gateway-1"
    assert door.get("/api/v1/me", headers=inspector).headers["x-upstream-by"] == "auth-service-2"


def test_a_request_keeps_its_id_through_both_logs(side: Side, door: httpx.Client, inspector: Headers) -> None:
    mine = f"test-{time.monotonic_ns()}"
    answer = door.get("/api/v1/me", headers={**inspector, "x-request-id": mine})
    assert answer.headers["x-request-id"] == mine
    for name in ("api-gateway", "auth-service"):
        assert f'"request_id": "{mine}"' in side.pods[name].log()


def test_a_service_that_is_gone_is_502(side: Side, door: httpx.Client, inspector: Headers) -> None:
    pod = side.pods["notification-service"]
    pod.stop()
    try:
        assert door.get("/api/v1/notifications", headers=inspector).status_code == 502
    finally:
        pod.start()
    wait_until(lambda: door.get("/api/v1/notifications", headers=inspector).status_code == 200)


@pytest.mark.parametrize("path", ["/metrics", "/live"])
def test_what_is_for_the_cluster_alone_is_not_there_through_the_mesh(door: httpx.Client, path: str) -> None:
    assert door.get(path).status_code == 200
    assert door.get(path, headers={"x-envoy-expected-rq-timeout-ms": "15000"}).status_code == 404
