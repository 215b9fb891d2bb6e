"""Health, and what becomes of the services while a store is away."""

from __future__ import annotations

import signal
import threading
import time

import httpx
import psutil
import pytest

from fixtures.lab.systems.hwayo.catalogue import PORT, SERVICES, ServiceSpec
from tests.systems.side import Side, healthy, wait_until
from tests.systems.test_api import finished, submit

WITH_STORES = [spec for spec in SERVICES if spec.stores]


@pytest.mark.parametrize("spec", SERVICES, ids=lambda spec: spec.name)
def test_health_names_the_service_and_its_stores(side: Side, door: httpx.Client, spec: ServiceSpec) -> None:
    for base in (side.pods[spec.name].url, str(door.base_url)):
        answer = httpx.get(base + spec.health)
        assert answer.status_code == 200
        seen = answer.json()
        assert (seen["status"], seen["service"], seen["side"], seen["version"]) == (
            "ok", spec.name, "blue", "1041-8c1f0aa",
        )  # fmt: skip
        named = {name: (check["ok"], check["name"]) for name, check in seen["checks"].items()}
        assert named == ({"database": (True, "hwayo"), "cache": (True, "0")} if spec.stores else {})


def test_without_the_database_health_is_503_in_time_and_recovers(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.stop_database()
    try:
        for spec in WITH_STORES:
            started = time.monotonic()
            answer = httpx.get(side.pods[spec.name].url + spec.health, timeout=5)
            assert time.monotonic() - started < 2
            assert answer.status_code == 503
            checks = answer.json()["checks"]
            assert checks["database"]["ok"] is False
            assert checks["database"]["error"]
            assert checks["cache"]["ok"] is True
        assert healthy(side.pods["web-app"])
        assert door.get("/api/v1/data-records", headers=inspector).status_code == 503
        assert all(httpx.get(f"{pod.url}/live").status_code == 200 for pod in side.pods.values())
        assert "network_latency_seconds NaN" in httpx.get(side.pods["auth-service"].url + "/metrics").text
    finally:
        side.start_database()
    for pod in side.pods.values():
        wait_until(lambda pod=pod: healthy(pod))  # type: ignore[misc]
    assert door.get("/api/v1/data-records", headers=inspector).status_code == 200


def test_work_accepted_without_the_cache_is_done_when_it_is_back(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.stop_cache()
    try:
        answer = httpx.get(side.pods["report-generator"].url + "/report/health", timeout=5)
        assert answer.status_code == 503
        assert answer.json()["checks"]["cache"]["ok"] is False
        assert "queue_length" in httpx.get(side.pods["report-generator"].url + "/metrics").text
        record = submit(door, inspector)
        assert record.status_code == 201
        ordered = door.post(
            "/api/v1/reports/generate", headers=inspector, json={"record": record.json()["id"]}
        )
        assert ordered.status_code == 202
    finally:
        side.start_cache()
    assert finished(door, inspector, ordered.json()["url"])["status"] == "done"
    wait_until(lambda: bool(side.sink.about(f"新檢驗紀錄 #{record.json()['id']}")), 15)


def test_a_leaving_pod_answers_what_it_was_asked(side: Side, inspector: dict[str, str]) -> None:
    pod = side.pods["workflow-engine"]
    pod.behave(latency="2s")
    answers: list[int] = []

    def ask() -> None:
        answers.append(httpx.get(f"{pod.url}/api/v1/data-records", headers=inspector, timeout=10).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    assert pod.running
    process = psutil.Process(pod.running.process.pid)
    wait_until(
        lambda: any(c.status == "ESTABLISHED" and c.laddr.port == PORT for c in process.net_connections())
    )
    pod.running.process.send_signal(signal.SIGTERM)
    try:
        wait_until(lambda: "leaving" in pod.log())
        leaving = httpx.get(pod.url + pod.spec.health)
        assert (leaving.status_code, leaving.json()["status"]) == (503, "not ready")
        assert leaving.headers["connection"] == "close"
        asking.join()
        assert answers == [200]
        assert pod.running.process.wait(5) == 0
    finally:
        pod.stop()
        pod.start()
        wait_until(lambda: healthy(pod))


def test_a_dead_workers_job_is_done_by_another(
    side: Side, door: httpx.Client, inspector: dict[str, str]
) -> None:
    side.stick()
    url = door.post("/api/v1/reports/generate", headers=inspector, json={"record": 1}).json()["url"]
    with side.valkey() as valkey:
        # As if another pod had taken it and died.
        valkey.lmove("queue:reports", "queue:reports:work:dead-pod", "RIGHT", "LEFT")
        valkey.sadd("queue:reports:workers", "dead-pod")
    assert door.get(url, headers=inspector).json()["status"] == "queued"
    side.pods["report-generator"].behave()
    assert finished(door, inspector, url)["status"] == "done"
