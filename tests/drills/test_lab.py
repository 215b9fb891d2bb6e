"""The whole lab: a namespace deleted while users read and write, and put back; its stores killed, and started again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.systems.hwayo.catalogue import BLUE
from fixtures.platforms.changes import Ref
from fixtures.platforms.kubernetes import Kubernetes
from fixtures.platforms.kubernetes.configuration import Configuration
from fixtures.probes.http import Entry, open_client
from reports.verdicts import Verdict
from scenarios.drills.drill import Stage, hold
from scenarios.drills.namespaces import OfNamespace
from scenarios.drills.runbook import Nobody
from scenarios.journeys.hwayo.records import Records
from tests.drills.test_drills import drill


@pytest.fixture
def platform(lab: Lab) -> Iterator[Kubernetes]:
    found = Kubernetes(Path(lab.facts["kubeconfig"]))
    yield found
    found.close()


def records(lab: Lab) -> Records:
    """As the inspector sees them, on blue."""
    entry = Entry(lab.facts["entry"], ca=Path(lab.facts["ca"]))
    told = lab.facts["credentials"]
    with open_client(entry) as http:
        answer = http.post(
            "/api/v1/auth/login", json={"username": told["user"], "password": told["password"]}
        )
    bearer = {"Authorization": f"Bearer {answer.raise_for_status().json()['token']}"}
    return Records(entry, bearer, told["customer"], f"Verdigris {secrets.token_hex(6)}")


def test_a_deleted_namespace_is_put_back_as_it_was(lab: Lab, platform: Kubernetes, tmp_path: Path) -> None:
    def delete() -> None:
        ref = Ref("Namespace", "", BLUE.namespace)
        found = platform.read_object(ref)
        assert found is not None
        platform.delete_object(ref, found["metadata"]["uid"])

    stage = Stage(records(lab), tmp_path / "drill", Nobody(), "hwayo", "lab")
    practice = OfNamespace(
        Configuration(platform.session), platform, BLUE.namespace, tmp_path / "kept.json", delete, stage.clock
    )
    record = hold(drill("restore", "restart", "verify", rto="5m", rpo="1s"), practice, stage)
    assert record.verdict is Verdict.PASS, record.follow_ups
    assert record.losses == ()
    assert next(one.value for one in record.figures if one.name == "rpo") == 0
    assert not practice.file.exists()
    assert practice.heal() == ""
    with open_client(Entry(lab.facts["entry"], ca=Path(lab.facts["ca"]))) as http:
        served: httpx.Response = http.get("/api/v1/health")
    assert served.status_code == 200


@pytest.mark.parametrize("store", ["postgres", "valkey"])
def test_a_store_that_dies_is_started_again_and_users_are_served(lab: Lab, store: str) -> None:
    log = Path(lab.facts["home"]) / "logs" / "keeper.log"
    (running,) = (one for one in psutil.Process(lab.facts["pid"]).children() if store in one.name())
    running.kill()
    wait_until(lambda: log.exists() and f"{store} started" in log.read_text(), 20)
    with open_client(Entry(lab.facts["entry"], ca=Path(lab.facts["ca"]))) as http:
        wait_until(lambda: http.get("/auth/health").status_code == 200, 30)
    assert Lab.join(lab.facts["name"]) is not None
