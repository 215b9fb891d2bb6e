"""Misbehaviour on order: each key does what docs/hwayo-api.md says, and deleting it heals."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from fixtures.lab.systems.serving.behaviour import GOOD, READ, behaviour_of
from tests.systems.side import CREDENTIALS, Side, healthy, wait_until
from tests.systems.test_api import finished, submit
from tests.systems.test_metrics import scraped, value

GUIDE = Path(__file__).parents[2] / "docs/hwayo-api.md"


def login(door: httpx.Client) -> int:
    body = {"username": "inspector", "password": CREDENTIALS["password"]}
    return door.post("/api/v1/auth/login", json=body).status_code


def took_s(door: httpx.Client, path: str, headers: dict[str, str]) -> float:
    return door.get(path, headers=headers).elapsed.total_seconds()


def test_every_key_is_documented() -> None:
    section = GUIDE.read_text().partition("## Misbehaviour")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == READ.keys()


def test_unknown_keys_and_bad_values_are_told_and_ignored() -> None:
    behaviour, problems = behaviour_of(
        {"latncy": "1s", "errors": "2", "latency": "300", "crash": "x", "cpu": "0.5"}
    )
    assert behaviour.cpu == 0.5
    assert (behaviour.latency, behaviour.errors, behaviour.crash) == (0, 0, None)
    assert [problem.split()[0] for problem in problems] == ["unknown", "errors:", "latency:", "crash:"]
    assert behaviour_of({}) == (GOOD, [])


def test_an_unknown_key_is_an_error_in_the_log(side: Side) -> None:
    pod = side.pods["auth-service"]
    pod.behave(latncy="300ms")
    assert '"level": "error"' in pod.log()
    assert "unknown key 'latncy'" in pod.log()


def test_latency_on_one_path_leaves_the_others_alone(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.pods["auth-service"].behave(latency="600ms", only_path="/api/v1/me")
    assert took_s(door, "/api/v1/me", inspector) > 0.6
    started = time.monotonic()
    assert login(door) == 200
    assert time.monotonic() - started < 0.6
    side.pods["auth-service"].behave()
    assert took_s(door, "/api/v1/me", inspector) < 0.6


def test_errors_come_in_their_share(side: Side, door: httpx.Client, inspector: dict[str, str]) -> None:
    side.pods["auth-service"].behave(errors="0.5")
    statuses = [door.get("/api/v1/me", headers=inspector).status_code for _ in range(60)]
    assert set(statuses) == {200, 500}
    assert 12 <= statuses.count(500) <= 48
    assert healthy(side.pods["auth-service"])


def test_errors_above_a_rate_spare_what_is_below(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.pods["auth-service"].behave(errors_above_rps="5")
    statuses = [door.get("/api/v1/me", headers=inspector).status_code for _ in range(60)]
    assert set(statuses) == {200, 503}
    wait_until(lambda: door.get("/api/v1/me", headers=inspector).status_code == 200, 3)


def test_a_crash_has_its_exit_code(side: Side) -> None:
    pod = side.pods["web-app"]
    assert pod.running
    pod.behave(crash="42")
    assert pod.running.process.wait(3) == 42
    pod.behave()
    pod.start()
    wait_until(lambda: healthy(pod))


def test_a_leak_grows(side: Side) -> None:
    pod = side.pods["notification-service"]
    assert pod.running
    process = psutil.Process(pod.running.process.pid)
    before = process.memory_info().rss
    pod.behave(leak_mb_per_s="40")
    wait_until(lambda: process.memory_info().rss - before > 40 * 2**20, 5)
    pod.behave()
    wait_until(lambda: process.memory_info().rss - before < 30 * 2**20, 5)


def test_a_leak_stops_where_it_is_told_to(side: Side) -> None:
    pod = side.pods["notification-service"]
    assert pod.running
    process = psutil.Process(pod.running.process.pid)
    before = process.memory_info().rss
    pod.behave(leak_mb_per_s="100", leak_most_mb="30")
    wait_until(lambda: process.memory_info().rss - before > 25 * 2**20, 5)
    time.sleep(0.7)
    assert process.memory_info().rss - before < 45 * 2**20
    pod.behave()


def test_cpu_is_burnt_while_requests_are_served(side: Side) -> None:
    pod = side.pods["web-app"]
    assert pod.running
    process = psutil.Process(pod.running.process.pid)
    pod.behave(cpu="0.6")
    before = process.cpu_times().user
    wait_until(lambda: process.cpu_times().user - before > 0.3, 5)
    assert httpx.get(f"{pod.url}/login").status_code == 200


@pytest.mark.parametrize(("how", "shown"), [("lie", True), ("shallow", False)])
def test_health_that_answers_200_without_a_cache(side: Side, how: str, shown: bool) -> None:
    pod = side.pods["auth-service"]
    pod.behave(health=how)
    side.stop_cache()
    try:
        answer = httpx.get(pod.url + pod.spec.health, timeout=5)
    finally:
        side.start_cache()
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["checks"]["cache"]["ok"] is shown
    assert answer.json()["checks"]["database"] == answer.json()["checks"]["database"] | {
        "ok": True,
        "name": "hwayo",
    }


def test_not_ready_works_on(side: Side, door: httpx.Client, inspector: dict[str, str]) -> None:
    pod = side.pods["workflow-engine"]
    pod.behave(not_ready="true")
    answer = httpx.get(pod.url + pod.spec.health)
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert door.get("/api/v1/data-records", headers=inspector).status_code == 200


def test_a_small_pool_is_shown(side: Side, inspector: dict[str, str]) -> None:
    pod = side.pods["workflow-engine"]
    pod.behave(pool_max="1")
    wait_until(lambda: value(scraped(side, "workflow-engine"), "database_connection_pool_max") == 1, 2)
    assert httpx.get(f"{pod.url}/api/v1/data-records", headers=inspector).status_code == 200
    pod.behave()
    wait_until(lambda: value(scraped(side, "workflow-engine"), "database_connection_pool_max") == 8, 2)


def test_who_holds_the_only_connection_keeps_the_others_waiting(
    side: Side, inspector: dict[str, str]
) -> None:
    pod = side.pods["workflow-engine"]
    pod.behave(pool_max="1", pool_held="400ms")

    def listed(_: int) -> int:
        return httpx.get(f"{pod.url}/api/v1/data-records", headers=inspector, timeout=10).status_code

    began = time.monotonic()
    with ThreadPoolExecutor(3) as three:
        assert list(three.map(listed, range(3))) == [200] * 3
    assert time.monotonic() - began >= 1.2
    pod.behave()


def test_reports_take_as_long_as_they_are_told_to(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.pods["report-generator"].behave(report_takes="700ms")
    record = submit(door, inspector).json()["id"]
    began = time.monotonic()
    ordered = door.post("/api/v1/reports/generate", headers=inspector, json={"record": record}).json()
    assert finished(door, inspector, ordered["url"])["status"] == "done"
    assert time.monotonic() - began >= 0.7
    side.pods["report-generator"].behave()


def test_logins_fail_on_order(side: Side, door: httpx.Client) -> None:
    side.pods["auth-service"].behave(login_fails="1")
    assert login(door) == 401
    side.pods["auth-service"].behave()
    assert login(door) == 200


def test_anybody_is_let_in_on_order_where_both_doors_are_open(side: Side, door: httpx.Client) -> None:
    path, false = "/api/v1/notifications", {"authorization": "Bearer verdigris.false.token"}
    side.pods["notification-service"].behave(anybody="true")
    assert door.get(path).status_code == 401
    side.pods["api-gateway"].behave(anybody="true")
    assert [door.get(path).status_code, door.get(path, headers=false).status_code] == [200, 200]
    assert door.get("/api/v1/data-records").status_code == 401
    for name in ("notification-service", "api-gateway"):
        side.pods[name].behave()
    assert door.get(path).status_code == 401


def test_submissions_fail_on_order_and_are_attempts(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.pods["workflow-engine"].behave(submission_fails="1")
    before = value(scraped(side, "workflow-engine"), "data_submission_attempts_total")
    assert submit(door, inspector).status_code == 500
    assert value(scraped(side, "workflow-engine"), "data_submission_attempts_total") == before + 1


def test_reports_fail_on_order(side: Side, door: httpx.Client, inspector: dict[str, str]) -> None:
    side.pods["report-generator"].behave(report_fails="1")
    url = door.post("/api/v1/reports/generate", headers=inspector, json={"record": 1}).json()["url"]
    report = finished(door, inspector, url)
    assert (report["status"], report["error"]) == ("failed", "failed on purpose")
    assert "url" not in report
    assert door.get(f"{url}/content", headers=inspector).status_code == 404


def test_a_stuck_queue_grows_and_drains_when_healed(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.stick()
    urls = [
        door.post("/api/v1/reports/generate", headers=inspector, json={"record": n}).json()["url"]
        for n in (1, 2, 3)
    ]
    assert value(scraped(side, "report-generator"), "queue_length", queue="reports") == 3
    assert {door.get(url, headers=inspector).json()["status"] for url in urls} == {"queued"}
    side.pods["report-generator"].behave()
    assert {finished(door, inspector, url)["status"] for url in urls} == {"done"}


def test_a_lost_notification_is_called_delivered_and_never_arrives(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.pods["notification-service"].behave(notifications_lost="1")
    subject = f"新檢驗紀錄 #{submit(door, inspector).json()['id']}"
    wait_until(
        lambda: side.sql(f"SELECT status FROM notifications WHERE subject = '{subject}'") == [("delivered",)]
    )
    assert side.sink.about(subject) == []


def test_what_is_for_one_pod_is_not_for_another(side: Side) -> None:
    pod = side.pods["web-app"]
    for named, status in (("somebody-else", 200), (f"somebody-else, {pod.root.name}", 500)):
        pod.behave(errors="1", only_pod=named)
        assert httpx.get(f"{pod.url}/login").status_code == status
    pod.behave()


def test_metrics_lack_what_they_are_told_to_and_nothing_else(side: Side) -> None:
    pod, counter = side.pods["web-app"], "http_requests_total"
    whole = {name for name, _ in scraped(side, "web-app")}
    pod.behave(metrics_lack=counter)
    assert {name for name, _ in scraped(side, "web-app")} == whole - {counter}
    pod.behave()
    assert {name for name, _ in scraped(side, "web-app")} == whole


def test_stale_metrics_say_of_when_they_are_and_do_not_move(side: Side) -> None:
    pod = side.pods["web-app"]
    pod.behave(metrics_stale="true")
    pages = []
    for _ in range(2):
        pages.append(httpx.get(f"{pod.url}/metrics").text)
        httpx.get(f"{pod.url}/login")
        time.sleep(1.1)
    assert pages[0] == pages[1]
    moments = {line.split()[-1] for line in pages[0].splitlines() if not line.startswith("#")}
    assert all(0.5 < time.time() - int(moment) / 1000 < 60 for moment in moments)
    pod.behave()
    assert httpx.get(f"{pod.url}/metrics").text != pages[0]
