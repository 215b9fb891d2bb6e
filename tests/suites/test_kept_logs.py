"""Logs are collected, and the audit trail is kept: at small servers that speak as Elasticsearch and MongoDB do."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from fixtures.probes.retention import Expiry, expiries, of_postgresql
from fixtures.target import Credential, Sides
from fixtures.target.environment import Stores
from reports.verdicts import Measurement
from scenarios.checks import measure
from tests.suites.mongo import cursor, mongodb
from tests.suites.recorded import around, the_check
from tests.suites.servers import http_server, nobody, silent_server

YEAR_S = 365 * 86400
HEALTH = {"cluster_name": "logs", "status": "green", "number_of_data_nodes": 3, "unassigned_shards": 0}
COUNT = {"count": 4211, "_shards": {"total": 5, "successful": 5, "skipped": 0, "failed": 0}}


def seen(name: str, url: str, **other: Any) -> Measurement:
    check = the_check(name, **other)
    sides = Sides[Credential].model_construct(blue=Credential.of_lab(url), green=Credential.of_lab(url))
    return measure(check, around(stores=Stores().model_copy(update={check.store: sides})))


# --- Elasticsearch ---------------------------------------------------------------------------------------------------
def logs(
    health: Any = HEALTH, counted: Any = COUNT, status: int = 200, path: str = "/_all/_count"
) -> Measurement:
    with http_server({"/_cluster/health": (status, health), path: (200, counted)}) as url:
        indices = path.removesuffix("/_count").removeprefix("/_all")
        return seen("logs-collected", url.replace("://", "://elastic:pass-word@") + indices)


def test_a_green_cluster_with_lines_of_the_last_minutes_collects_logs() -> None:
    found = logs()
    assert (found.value, found.samples) == (0, 1), found.why
    assert any("4,211 lines of the last 5 minutes" in one.title for one in found.evidence)
    assert "pass-word" not in str(found)


def test_the_url_may_name_the_indices() -> None:
    assert logs(path="/filebeat-*,app-*/_count").value == 0


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"health": {**HEALTH, "status": "yellow", "unassigned_shards": 3}}, "is yellow, not green: cluster_name logs"),
        ({"health": {**HEALTH, "status": "red"}}, "is red"),
        (
            {"health": {"error": {"type": "master_not_discovered_exception"}, "status": 503}, "status": 503},
            "is master_not_discovered_exception, not green",
        ),
        ({"counted": {**COUNT, "count": 0}}, "has no log line of the last 5 minutes"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_said(answers: dict[str, Any], words: str) -> None:
    found = logs(**answers)
    assert found.value == 1
    assert words in found.why


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"health": "<html>Bad Gateway</html>", "status": 502}, "answers 502, and not as Elasticsearch: <html>Bad"),
        ({"health": []}, "not as Elasticsearch"),
        ({"health": {}}, "says nothing of its health"),
        ({"health": {"error": "no"}, "status": 401}, "does not let us look: 401"),
        ({"counted": {"error": {"type": "index_not_found_exception"}, "status": 404}}, "index_not_found_exception"),
        ({"counted": {"count": 0, "_shards": {"failed": 2}}}, "2 shards of _all could not be counted"),
    ],
)  # fmt: skip
def test_an_answer_that_tells_nothing_is_no_evidence(answers: dict[str, Any], words: str) -> None:
    found = logs(**answers)
    assert found.value is None
    assert words in found.why


def test_a_cluster_that_does_not_answer_is_no_evidence() -> None:
    found = seen("logs-collected", f"http://{nobody()}")
    assert found.value is None
    assert "does not answer" in found.why


# --- MongoDB ---------------------------------------------------------------------------------------------------------
ID = {"v": 2, "key": {"_id": 1}, "name": "_id_"}


def ttl(after_s: Any, field: str = "at") -> dict[str, Any]:
    return {"v": 2, "key": {field: 1}, "name": f"{field}_1", "expireAfterSeconds": after_s}


def trail(*indexes: dict[str, Any], **options: Any) -> Measurement:
    listed = {"name": "audit_log", "type": "collection", "options": options}
    answers = {
        "listCollections": cursor("hwayo.$cmd.listCollections", listed),
        "listIndexes": cursor("hwayo.audit_log", ID, *indexes),
    }
    with mongodb(answers) as server:
        return seen("audit-retention", f"mongodb://{server}/hwayo")


def test_a_trail_that_nothing_expires_is_kept_for_ever() -> None:
    found = trail()
    assert (found.value, found.samples) == (0, 1), found.why
    assert any("nothing makes entries go" in one.title for one in found.evidence)


def test_a_trail_that_expires_after_seven_years_is_kept() -> None:
    found = trail(ttl(7 * YEAR_S))
    assert found.value == 0, found.why
    assert any("the index at_1 on at makes entries go after 2,555 d" in one.title for one in found.evidence)


def test_a_trail_that_expires_sooner_is_named_with_its_index() -> None:
    found = trail(ttl(90 * 86400))
    assert found.value == 1
    assert "the index at_1 on at makes entries go after 90 d, where 7y is promised" in found.why


@pytest.mark.parametrize(
    ("index", "options"),
    [([ttl(0, "gone_at")], {}), ([], {"capped": True, "size": 4096}), ([ttl("soon")], {})],
)
def test_an_end_that_the_settings_do_not_tell_is_unknown(index: list[Any], options: dict[str, Any]) -> None:
    found = trail(*index, **options)
    assert found.value is None
    assert "its settings do not say" in found.why


def test_a_collection_may_expire_of_its_own() -> None:
    assert list(expiries({"expireAfterSeconds": 3600}, [ID])) == [
        Expiry("the collection's own expiry", 3600.0)
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (cursor("hwayo.$cmd.listCollections"), "has no collection audit_log"),
        (
            {"ok": 0.0, "code": 13, "errmsg": "not authorized on hwayo"},
            "does not let us look: not authorized",
        ),
    ],
)
def test_a_trail_that_cannot_be_looked_at_is_no_evidence(answer: dict[str, Any], words: str) -> None:
    with mongodb({"listCollections": answer}) as server:
        found = seen("audit-retention", f"mongodb://{server}/hwayo")
    assert found.value is None
    assert words in found.why


@pytest.mark.parametrize("url", ["mongodb://", "http://somewhere", "mongodb://127.0.0.1:9"])
def test_a_url_that_leads_to_no_database_is_no_evidence(url: str) -> None:
    assert seen("audit-retention", url).value is None


def test_a_store_that_is_not_there_or_says_nothing_is_waited_for_no_longer_than_seconds() -> None:
    begun = time.monotonic()
    refused = seen("audit-retention", f"mongodb://someone:pass-word@{nobody()}/hwayo")
    with silent_server() as silent:
        hung = seen("audit-retention", f"mongodb://{silent}/hwayo")
    assert time.monotonic() - begun < 10
    for found in (refused, hung):
        assert found.value is None
        assert "does not answer" in found.why
        assert "pass-word" not in found.why


# --- PostgreSQL ------------------------------------------------------------------------------------------------------
@pytest.fixture
def database(postgres: str) -> str:
    with psycopg.connect(postgres) as connection:
        connection.execute("DROP SCHEMA IF EXISTS partman CASCADE; DROP SCHEMA IF EXISTS cron CASCADE")
        connection.execute("CREATE TABLE IF NOT EXISTS audit_log (id int)")
    return postgres


def test_a_table_that_no_job_deletes_from_is_kept(database: str) -> None:
    found = seen("audit-retention", database, store="database")
    assert (found.value, found.samples) == (0, 1), found.why
    assert "pass-word" not in str(found)


@pytest.mark.parametrize(("age", "count"), [("7 years", 0), ("90 days", 1)])
def test_partitions_that_are_dropped_too_young_are_a_violation(database: str, age: str, count: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA partman")
        connection.execute("CREATE TABLE partman.part_config (parent_table text, retention text)")
        connection.execute("INSERT INTO partman.part_config VALUES ('public.audit_log', %s)", [age])
    found = seen("audit-retention", database, store="database")
    assert found.value == count
    assert not count or "pg_partman makes entries go after 90 d, where 7y is promised" in found.why


def test_a_job_that_deletes_is_for_a_person_to_read(database: str) -> None:
    jobs = {
        "tidy": ("DELETE FROM audit_log", True),
        "other": ("DELETE FROM t", True),
        "off": ("DROP TABLE audit_log", False),
    }
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA cron")
        connection.execute("CREATE TABLE cron.job (jobname text, command text, active bool)")
        for name, (command, active) in jobs.items():
            connection.execute("INSERT INTO cron.job VALUES (%s, %s, %s)", [name, command, active])
    assert of_postgresql(database, "audit_log") == [Expiry("the job tidy (DELETE FROM audit_log)", None)]
    found = seen("audit-retention", database, store="database")
    assert found.value is None
    assert "the job tidy (DELETE FROM audit_log)" in found.why


def test_a_table_of_another_name_is_no_evidence(database: str) -> None:
    found = seen("audit-retention", database, store="database", kept_in="trail")
    assert found.value is None
    assert "has no table trail" in found.why


def test_a_database_that_does_not_answer_is_no_evidence() -> None:
    assert "refused" in seen("audit-retention", f"postgresql://a:b@{nobody()}/c", store="database").why
