"""Containers replaced in place: made anew as the old ones were, and put back by others where the run is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab.breaking import Access
from fixtures.lab.systems.memoryark_line.catalogue import BACKEND, NEWER, PROJECT, TAG
from fixtures.platforms.changes import Ref, Rejected
from fixtures.platforms.compose import Compose
from fixtures.target import Target
from fixtures.tools import ROOT
from scenarios.faults.place import Place

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SYSTEM = "memoryark-line"
SERVICE = Ref("Deployment", PROJECT, BACKEND)
OLD, NEW = (f"localhost/memoryark-backend:{tag}" for tag in (TAG, NEWER))
BACK_S = 30.0  # a container's time to end, and another's to come


@pytest.fixture
def platform(access: Access) -> Compose:
    return Compose(access.facts["engine"])


def image(platform: Compose) -> str:
    found = platform.read_object(SERVICE)
    assert found is not None
    return str(found["spec"]["image"])


def asked_for(platform: Compose) -> object:
    """All of it, but for the version."""
    (found,) = (one for one in platform.asked(PROJECT) if one.service == BACKEND)
    told = {key: text for key, text in found.environment.items() if key != "RELEASE"}
    return (
        found.name,
        found.cpu,
        found.memory,
        found.restart,
        frozenset(found.mounts),
        found.addresses,
        told,
    )


def to(platform: Compose, wanted: str) -> None:
    found = platform.read_object(SERVICE)
    assert found is not None
    found["spec"]["image"] = wanted
    platform.replace_object(SERVICE, found)


def test_a_container_is_made_anew_as_the_old_one_was_asked_for_and_that_one_comes_back(
    platform: Compose,
) -> None:
    before = asked_for(platform)
    (old,) = (one.name for one in platform.pods(PROJECT) if BACKEND in one.name)
    to(platform, NEW)
    try:
        assert image(platform) == NEW
        assert asked_for(platform) == before
        with pytest.raises(Rejected, match="between two versions already"):
            to(platform, "localhost/memoryark-backend:v3")
        assert [one.name for one in platform.pods(PROJECT) if BACKEND in one.name] == [old]
    finally:
        to(platform, OLD)
    assert image(platform) == OLD
    assert asked_for(platform) == before
    wait_until(lambda: all(one.ready == one.wanted for one in platform.workloads(PROJECT)), BACK_S)


@pytest.mark.long
def test_the_old_containers_of_a_run_that_is_killed_come_back(
    access: Access, platform: Compose, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "pytest", "suites/release", "-p", "no:cacheprovider", "-x", "-s"]
    command += ["--target", SYSTEM, "--lab", access.facts["name"], "--run-dir", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        wait_until(lambda: image(platform) == NEW, 120)
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=60)
    wait_until(lambda: image(platform) == OLD, BACK_S)
    place = Place.of(SYSTEM, Target.load(SYSTEM).environment("lab"), access.facts["name"])
    wait_until(lambda: not place.ledger.entries(), BACK_S)
    wait_until(lambda: all(one.ready == one.wanted for one in platform.workloads(PROJECT)), BACK_S)
