"""Real Prometheus, Alertmanager, PostgreSQL: what breaks is noticed, and whoever is to be told is told."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from fixtures.lab.layout import Layout
from fixtures.lab.monitoring import alertmanager, prometheus
from fixtures.lab.monitoring.watched import Watched
from fixtures.lab.process import Running
from fixtures.lab.stores import Postgres
from fixtures.probes.alertmanager import Alertmanager
from tests.monitoring.running import Object, cluster, messages, monitoring, part, query, wait_until


@pytest.fixture
def sink(layout: Layout) -> Iterator[Running]:
    with monitoring(layout) as running:
        yield running


@pytest.fixture
def database(layout: Layout) -> Postgres:
    postgres = Postgres(layout.database, layout.home, "secret")
    postgres.prepare()
    (layout.home / "lab-secrets.json").write_text(json.dumps({"database_admin": f"{postgres.url}/postgres"}))
    return postgres


def scrape(layout: Layout) -> httpx.Response:
    return httpx.get(f"http://{layout.database_exporter}/metrics")


def test_every_channel_keeps_what_it_was_sent(layout: Layout, sink: Running) -> None:
    url, before = f"http://{layout.sink}", time.time()
    assert httpx.post(f"{url}/slack/", json={"channel": "#ops", "text": "系統告警"}).text == "ok"
    assert httpx.post(f"{url}/pagerduty/v2/enqueue", json={"event_action": "trigger"}).status_code == 202
    httpx.post(f"{url}/app/inspector", json={"subject": "報告"})
    httpx.post(f"{url}/webhook/any/where", content="plain words")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@lab", "oncall@lab", "🚨 急"
    mail.set_content("資料庫\n")
    host, port = layout.sink_smtp.split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.send_message(mail)
    kept = messages(layout, before)
    assert [(m["channel"], m["to"]) for m in kept] == [
        ("slack", "#ops"),
        ("pagerduty", "v2/enqueue"),
        ("app", "inspector"),
        ("webhook", "any/where"),
        ("email", "oncall@lab"),
    ]
    assert kept[0]["body"]["text"] == "系統告警"
    assert kept[3]["body"] == "plain words"
    assert kept[4]["body"] == {"from": "a@lab", "subject": "🚨 急", "text": "資料庫\n"}
    assert all(before <= m["at"] <= time.time() for m in kept)
    assert messages(layout, time.time()) == []
    lines = (layout.home / "sink.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == kept


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/messages?since=soon", 400), ("POST", "/elsewhere", 404), ("GET", "/slack/", 405)],
)
def test_what_the_sink_does_not_know_is_an_error(
    layout: Layout, sink: Running, method: str, path: str, status: int
) -> None:
    assert httpx.request(method, f"http://{layout.sink}{path}").status_code == status


def test_the_exporter_speaks_while_the_database_does(
    layout: Layout, sink: Running, database: Postgres
) -> None:
    log = layout.logs / "postgres.log"
    assert scrape(layout).status_code == 503
    running = Running(database.part(), log)
    try:
        wait_until(lambda: scrape(layout).status_code == 200)
        page = scrape(layout).text
        assert "pg_up 1.0" in page
        assert 'pg_stat_database_numbackends{datname="postgres"} 1.0' in page
        assert "pg_settings_max_connections 200.0" in page
        assert 'pg_database_size_bytes{datname="postgres"}' in page
        assert 'pg_stat_activity_count{datname="postgres",state="active"} 1.0' in page
    finally:
        running.stop()
    answer = scrape(layout)
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    running = Running(database.part(), log)
    try:
        wait_until(lambda: scrape(layout).status_code == 200)
    finally:
        running.stop()


def test_a_dead_database_reaches_everyone_on_call(
    layout: Layout, watched: Watched, sink: Running, database: Postgres
) -> None:
    prometheus.write(layout, watched)
    alertmanager.write(layout, watched)
    postgres = Running(database.part(), layout.logs / "postgres.log")
    with (
        part(layout, "alertmanager", alertmanager.command(layout), f"http://{layout.alertmanager}/-/ready"),
        part(layout, "prometheus", prometheus.command(layout), f"http://{layout.prometheus}/-/ready"),
    ):
        wait_until(lambda: bool(query(layout, 'up{job="postgresql"} == 1')))
        assert messages(layout) == []
        postgres.stop()
        told = ("slack", "pagerduty", "email")
        wait_until(lambda: {m["channel"] for m in messages(layout)} >= set(told))
        asked = Alertmanager(f"http://{layout.alertmanager}")
        routed = asked.routed("DatabaseConnectionFailure")
        nobody = asked.routed("HighErrorRate")
        asked.close()
    assert routed
    assert all(one.labels["alertname"] == "DatabaseConnectionFailure" and one.receivers for one in routed)
    assert nobody == []
    found: dict[str, Any] = {m["channel"]: m for m in reversed(messages(layout))}
    assert found["slack"]["to"] == "#shop-critical"
    assert "資料庫連接失敗" in json.dumps(found["slack"]["body"], ensure_ascii=False)
    assert "DatabaseConnectionFailure" in found["pagerduty"]["body"]["payload"]["summary"]
    assert found["email"]["to"] == "oncall@shop.example"
    assert found["email"]["body"]["subject"] == "🚨 CRITICAL"
    assert set(found["email"]["body"]["text"].split()) == {"資料庫連接失敗"}  # a line for each side's


def pod(name: str, ip: str, **more: Any) -> Object:
    container = {
        "name": "c",
        "image": "registry/shop-web:42-abc",
        "ports": [{"name": "http", "containerPort": 3000}],
    }
    return {
        "metadata": {
            "namespace": more.get("namespace", "shop"),
            "name": name,
            "labels": more.get("labels", {"app": "web"}),
            "annotations": more.get("annotations", {}),
        },
        "spec": {"nodeName": "n1", "containers": [container]},
        "status": {"podIP": ip, "phase": "Running", "hostIP": "127.0.0.1"},
    }


def test_pods_and_nodes_are_found_and_their_series_say_whose_they_are(
    layout: Layout, watched: Watched
) -> None:
    blue, green, other = layout.pod_ip(1, 2), layout.pod_ip(1, 3), layout.pod_ip(1, 4)
    node = layout.node_ip(1)
    whose = 'namespace="shop-green",pod="web-5f6d8b7c9d-x2x4z",image="r/shop-web:43-def"'
    usage = f"container_memory_usage_bytes{{{whose}}} 7\n"
    pages = {
        f"{blue}:3000/metrics": "requests_total 1\n",
        f"{green}:9100/own": "requests_total 2\n",
        f"{node}:10250/metrics/cadvisor": usage,
    }
    annotations = {"prometheus.io/port": "9100", "prometheus.io/path": "/own"}
    pods = [
        pod("web-1", blue),
        pod("web-2", green, namespace="shop-green", annotations=annotations),
        pod("job-1", other, labels={}),
        pod("web-3", other, annotations={"prometheus.io/scrape": "false"}),
    ]
    status = {
        "addresses": [{"type": "InternalIP", "address": node}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    }
    nodes = [{"metadata": {"name": "n1", "labels": {}}, "status": status}]
    prometheus.write(layout, watched)
    with (
        cluster(layout, pods, nodes, pages),
        monitoring(layout),
        part(layout, "prometheus", prometheus.command(layout), f"http://{layout.prometheus}/-/ready"),
    ):
        wait_until(
            lambda: len(query(layout, "requests_total")) == 2 and bool(query(layout, usage.split("{")[0]))
        )
        series = sorted(query(layout, "requests_total"), key=lambda s: s["metric"]["pod"])
        memory = query(layout, "container_memory_usage_bytes")[0]["metric"]
        found = {s["metric"]["pod"] for s in query(layout, "up") if "pod" in s["metric"]}
    common = {"__name__": "requests_total", "service": "web", "job": "web", "version": "42-abc"}
    assert [s["metric"] for s in series] == [
        {**common, "namespace": "shop", "pod": "web-1", "side": "blue", "instance": f"{blue}:3000"},
        {**common, "namespace": "shop-green", "pod": "web-2", "side": "green", "instance": f"{green}:9100"},
    ]
    assert found == {"web-1", "web-2"}
    assert (memory["job"], memory["service"], memory["side"]) == ("cadvisor", "web", "green")
    assert (memory["version"], memory["node"]) == ("43-def", "n1")
