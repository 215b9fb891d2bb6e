"""A server's life: quick to start and end, nothing lost in between, nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from fixtures.clock import wait_until
from tests.cluster import servers

PARENT = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(60)"


def make(client: httpx.Client, name: str) -> dict[str, object]:
    answer = client.post("/api/v1/namespaces/default/configmaps", json={"metadata": {"name": name}})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    layout = servers.new_home(tmp_path)
    with servers.running(layout, [servers.own_part(layout)]) as server, server.client() as client:
        kept, gone = make(client, "kept"), make(client, "gone")
        client.delete("/api/v1/namespaces/default/configmaps/gone")
        before = client.get("/api/v1/namespaces/default/configmaps").json()
    with servers.running(layout, [servers.own_part(layout)]) as server, server.client() as client:
        after = client.get("/api/v1/namespaces/default/configmaps").json()
        assert after["items"] == before["items"]
        assert client.get("/api/v1/namespaces/default/configmaps/kept").json() == kept
        version = int(make(client, "gone")["metadata"]["resourceVersion"])  # type: ignore[index]
        assert version > int(before["metadata"]["resourceVersion"])
        old = gone["metadata"]["resourceVersion"]  # type: ignore[index]
        query = {"watch": "true", "resourceVersion": str(old), "timeoutSeconds": "1"}
        lines = client.get("/api/v1/configmaps", params=query).text.splitlines()
    event = json.loads(lines[0])
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_it_ends_within_a_second_though_watched(tmp_path: Path) -> None:
    layout = servers.new_home(tmp_path)
    with servers.running(layout, [servers.own_part(layout)]) as server, server.client() as client:
        watches = [
            client.send(client.build_request("GET", "/api/v1/pods", params={"watch": "true"}), stream=True)
            for _ in range(5)
        ]
        process = next(
            child
            for child in psutil.Process().children()
            if "fixtures.lab.cluster" in child.cmdline() and str(layout.home) in child.cmdline()
        )
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        wait_until(
            lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 5, poll_s=0.02
        )
        assert time.monotonic() - begun < 1
        assert [watch.read() for watch in watches] == [b""] * 5  # ended, not cut off


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    layout = servers.new_home(tmp_path)
    command = [sys.executable, "-c", PARENT, *servers.own_part(layout).command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        with servers.described(layout).client() as client:
            wait_until(lambda: _answers(client), 10)
        parent.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
