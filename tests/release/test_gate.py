"""Releases are tried like the product: each way to break one is noticed, named and answered as it should be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.clock import SystemClock, wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access, Changed
from fixtures.lab.defects import is_rolled_out, known, mend_all, put_in
from fixtures.target import Side, Target
from reports.release import record
from reports.verdicts import Verdict
from scenarios.faults.place import Place
from scenarios.faults.watchdog import LOG
from scenarios.release import back
from scenarios.release.carrying import Wish
from scenarios.release.fleet import Fleet
from scenarios.surroundings import Surroundings
from tests.release.carried import Carried, carried, gentle, short
from tests.release.switching import ROUTES, Switch
from tests.rights import least_of
from tests.suites.running import ROOT, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.timeout(300)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "release"}
ROLLED_BACK = (
    "green-errors",
    *(
        pytest.param(name, marks=pytest.mark.long)
        for name in (
            "green-slow",
            "green-fails-under-load",
            "green-login-fails",
            "one-replica-bad",
        )
    ),
)
BLUE_REPORTS = "/api/v1/namespaces/hwayo-production/configmaps/report-generator-behaviour"
UNTOLD = ("common-shock", "metrics-missing", "metrics-stale", "weight-ignored")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Of its own, or the one that VERDIGRIS_LAB names, to be quick by hand."""
    name = os.environ.get("VERDIGRIS_LAB", "")
    joined = Lab.join(name) if name else None
    if joined is not None:
        yield joined
        return
    started = Lab.start("hwayo", f"gate-{random.randrange(16**8):08x}")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def access(lab: Lab) -> Iterator[Access]:
    """A release is carried out by somebody who may do what it takes, and nothing else."""
    found = Access(lab.facts)
    mend_all(found)
    with least_of(lab, found, "release"):
        yield found
    found.close()


@pytest.fixture
def broken(access: Access, lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """The defects are in; afterwards they are out, and users are where they were, whatever a release left."""
    switch = Switch(lab)
    try:
        for name in request.param.split("+"):
            put_in(access, DEFECTS[name])
        yield request.param
    finally:
        mend_all(access)
        switch.close()


def green_weight(access: Access) -> int:
    routes = access.get(ROUTES)
    assert routes is not None
    found: int = routes["spec"]["http"][-1]["route"][-1]["weight"]
    return found


def is_restored(found: Carried) -> bool:
    return found.record.restored is not None and found.record.restored.ok


def failed(found: Carried) -> set[str]:
    """What failed of a release's own promises. How users fare meanwhile depends on who else uses this machine."""
    return found.with_verdict(Verdict.FAIL) - {"availability", "zero_downtime", "release_notified"}


def steps(found: Carried) -> dict[str, record.Step]:
    assert found.record.rollback is not None
    return {step.name: step for step in found.record.rollback.steps}


@pytest.mark.long
def test_a_healthy_release_passes_the_whole_suite(access: Access, tmp_path: Path) -> None:
    run = run_stage("release", lab=access.facts["name"], folder=tmp_path)
    # A machine that is busy with other things holds the prober up, which is said, and passes nothing.
    held_up = run.with_verdict("INVALID")
    assert held_up <= {"availability", "downtime", "zero_downtime"}, run.output[-4000:]
    assert run.with_verdict("FAIL", "UNKNOWN") == set(), run.output[-4000:]
    assert run.exit_code == (10 if held_up else 0)
    found = record.read(tmp_path / record.NAME)
    assert [stage.name for stage in found.stages] == ["5%", "25%", "50%", "100%"]
    assert found.rollback is not None
    assert found.rollback.ok
    assert (tmp_path / "backup-blue.yaml").exists()


@pytest.mark.parametrize("broken", ROLLED_BACK, indirect=True)
def test_a_worse_green_is_rolled_back_in_the_first_stages(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, gentle(Target.load("hwayo")))
    assert found.record.outcome == "roll back", found.told
    assert DEFECTS[broken].says in "; ".join(found.record.reasons)
    stage = found.record.stages[-1]
    assert failed(found) == {f"canary_watch_{stage.weight * 100:g}"}, found.told
    assert found.record.rollback is not None
    assert found.record.rollback.ok, found.told
    assert found.record.rollback.last_green_s is not None
    assert found.record.rollback.last_green_s - found.record.rollback.decided_s <= 10
    assert is_restored(found)


@pytest.mark.long
@pytest.mark.parametrize("broken", UNTOLD, indirect=True)
def test_what_cannot_be_told_is_neither_promoted_nor_rolled_back(
    broken: str, lab: Lab, tmp_path: Path
) -> None:
    found = carried(lab, tmp_path)
    assert found.record.outcome == "inconclusive", found.told
    assert DEFECTS[broken].says in "; ".join(found.record.reasons)
    assert found.record.rollback is None
    assert is_restored(found)
    assert failed(found) == ({"canary_split_5"} if broken == "weight-ignored" else set()), found.told
    assert "canary_watch_5" in found.with_verdict(Verdict.UNKNOWN)


@pytest.mark.long
@pytest.mark.parametrize("broken", ["sticky-connections+notification-dead"], indirect=True)
def test_who_stays_on_green_is_seen_and_a_dead_channel_named(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, short(Target.load("hwayo"), switch="8s"))
    assert found.record.outcome == "promote", found.told
    assert steps(found)["switch"].ok is False
    assert "connections that were kept" in steps(found)["switch"].said
    assert {"release_rollback", "release_rollback_switch"} & found.with_verdict(Verdict.FAIL)
    assert "release_notified" in found.with_verdict(Verdict.FAIL)
    dead = [one for one in found.record.notifications if not one.delivered]
    assert {one.channel for one in dead} == {DEFECTS["notification-dead"].says}


@pytest.mark.long
@pytest.mark.parametrize("broken", ["rollback-late"], indirect=True)
def test_a_rollback_that_takes_too_long_is_over_its_budget(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path)
    assert found.record.outcome == "roll back", found.told
    assert steps(found)["switch"].ok is False
    assert DEFECTS[broken].says in steps(found)["switch"].said
    assert "release_rollback" in found.with_verdict(Verdict.FAIL)


@pytest.mark.long
@pytest.mark.parametrize("broken", ["green-errors"], indirect=True)
def test_nobody_is_sent_to_a_blue_that_is_not_fit(
    broken: str, lab: Lab, access: Access, tmp_path: Path
) -> None:
    """Blue breaks between the decision and the way back; its settings as they were when the release began heal it."""
    breaks = Changed(BLUE_REPORTS, lambda found: found.setdefault("data", {}).update(not_ready="true"))
    before = breaks.before(access)

    def break_blue(line: str) -> None:
        if ": roll back" in line:
            breaks.apply(access)
            wait_until(lambda: not is_rolled_out(access, "hwayo-production", "report-generator"), 30)

    try:
        found = carried(lab, tmp_path, say=break_blue)
    finally:
        breaks.mend(access, before)
    assert found.record.outcome == "roll back", found.told
    assert found.record.rollback is not None
    assert found.record.rollback.kind == "emergency", found.told
    assert "report-generator" in found.record.rollback.reason
    assert "switch" not in steps(found)
    assert all(steps(found)[name].ok for name in ("maintenance", "redeploy", "lift")), found.told
    assert is_restored(found)


@pytest.mark.long
@pytest.mark.parametrize("broken", ["blue-removed-early"], indirect=True)
def test_a_blue_that_is_gone_is_missed_and_nobody_sent_there(broken: str, lab: Lab, tmp_path: Path) -> None:
    found = carried(lab, tmp_path, short(Target.load("hwayo")))
    assert found.record.outcome == "inconclusive", found.told
    assert "on blue has no series" in "; ".join(found.record.reasons)
    assert found.record.weights[-1].green == 1.0
    assert found.record.restored is not None
    assert DEFECTS[broken].says in found.record.restored.said
    assert "release_restored" in found.with_verdict(Verdict.FAIL)


@pytest.mark.long
def test_what_somebody_else_sets_ends_the_release_and_stays(lab: Lab, access: Access, tmp_path: Path) -> None:
    switch = Switch(lab)

    def meddle(line: str) -> None:
        if line.startswith("5% of the users"):
            switch.green(40)

    try:
        found = carried(lab, tmp_path, say=meddle)
        assert found.record.outcome == "inconclusive"
        assert "40% to green" in "; ".join(found.record.reasons)
        assert green_weight(access) == 40
        assert not is_restored(found)
    finally:
        switch.close()


@pytest.mark.long
def test_a_pipelines_release_is_only_watched(lab: Lab, tmp_path: Path) -> None:
    switch, target = Switch(lab), short(Target.load("hwayo"))

    def pipeline(line: str) -> None:
        if "nobody is on green yet" in line:
            switch.green(50)
        elif line.startswith("green 50%, 0 s left") and "missing" not in line:
            switch.green(100)

    try:
        found = carried(lab, tmp_path, target, Wish(observe=True, keep=True), pipeline)
        assert [(one.name, one.decision.outcome) for one in found.record.stages] == [
            ("50%", "promote"),
            ("100%", "promote"),
        ], found.told
        assert found.record.rollback is None
        assert {one.by.split()[0] for one in found.record.weights} == {"as", "pipeline"}
    finally:
        switch.close()


@pytest.mark.long
def test_a_pipeline_that_goes_no_further_is_not_watched_for_ever(lab: Lab, tmp_path: Path) -> None:
    switch, target = Switch(lab), short(Target.load("hwayo"))

    def pipeline(line: str) -> None:
        if "nobody is on green yet" in line:
            switch.green(50)

    try:
        found = carried(lab, tmp_path, target, Wish(observe=True), pipeline)
        assert found.record.outcome == "inconclusive", found.told
        assert "the pipeline has left 50% of the users on green for 30 s" in found.record.reasons[0]
        assert [one.decision.outcome for one in found.record.stages] == ["promote"], found.told
        assert found.record.restored is None
    finally:
        switch.close()


def ended_on_green(access: Access, folder: Path, by: signal.Signals) -> str:
    """What a run of the suite says that gets the signal once green has its first users."""
    command = [sys.executable, "-m", "pytest", "suites/release", "-p", "no:cacheprovider", "-x", "-s"]
    command += ["--lab", access.facts["name"], "--run-dir", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        said = []
        assert run.stdout is not None
        for line in run.stdout:
            said.append(line)
            if "of the users to green" in line:
                wait_until(lambda: green_weight(access) == 5, 10)
                run.send_signal(by)
        run.wait(60)
    assert run.returncode, "".join(said)
    return "".join(said)


@pytest.mark.long
def test_a_run_that_is_ended_puts_the_traffic_back_and_says_so(access: Access, tmp_path: Path) -> None:
    said = ended_on_green(access, tmp_path, signal.SIGTERM)
    assert green_weight(access) == 0, said
    assert "putting the traffic back" in said
    assert "everything stands as it was found" in said
    found = record.read(tmp_path / record.NAME)
    assert found.outcome == "inconclusive"
    assert found.restored is not None
    assert found.restored.ok


@pytest.mark.long
def test_the_users_of_a_run_that_is_killed_are_put_back_within_five_seconds(
    access: Access, tmp_path: Path
) -> None:
    before = access.get(ROUTES)
    said = ended_on_green(access, tmp_path, signal.SIGKILL)
    wait_until(lambda: green_weight(access) == 0, 5)
    ledger = Place.of("hwayo", Target.load("hwayo").environment("lab"), access.facts["name"]).ledger
    wait_until(lambda: not ledger.entries(), 5)
    after = access.get(ROUTES)
    assert before is not None
    assert after is not None
    assert after["spec"] == before["spec"], said
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")
    assert (
        "release on VirtualService hwayo-production/hwayo-canary: healed" in (ledger.folder / LOG).read_text()
    )


@contextmanager
def half_on_green(lab: Lab) -> Iterator[Fleet]:
    """Half of the users are on green, which may be scaled to nothing meanwhile."""
    switch, target = Switch(lab), Target.load("hwayo")
    environment = target.environment("lab").with_facts(lab.facts)
    around = Surroundings(target, environment, Side.GREEN)
    green = Fleet(around.platform, environment.namespaces.green, SystemClock())
    before = green.replicas()
    try:
        switch.green(50)
        yield green
    finally:
        green.scale(before)
        assert green.wait_ready(60) == ""
        around.close()
        switch.close()


@pytest.mark.long
def test_a_gate_that_fails_takes_users_back_where_it_is_told_to(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    told = ("-k", "login", "--on-fail", "rollback")
    with half_on_green(lab) as green:
        try:
            put_in(access, known("hwayo")["login-broken"])
            run = run_stage("smoke", lab=access.facts["name"], folder=tmp_path, options=told)
        finally:
            mend_all(access)
        assert run.exit_code == 1, run.output[-4000:]
        assert green_weight(access) == 0
        assert set(green.replicas().values()) == {0}
    found = record.read(tmp_path / "rollback" / record.NAME).rollback
    assert found is not None
    assert found.ok
    assert "the gate failed" in found.reason
    assert run.findings["release_rollback_switch"]["verdict"] == "PASS"
    assert run.findings["release_rollback_total"]["verdict"] == "PASS"


def test_a_person_takes_users_back_with_a_reason(lab: Lab, access: Access, tmp_path: Path) -> None:
    with half_on_green(lab) as green:
        told = ["--lab", access.facts["name"], "--run-dir", str(tmp_path), "--reason", "客戶投訴激增"]
        assert back.main(told, ask=lambda _: "no") == back.NOT_CONFIRMED
        assert green_weight(access) == 50
        assert back.main([*told, "--confirm"]) == 0
        assert green_weight(access) == 0
        assert set(green.replicas().values()) == {0}
    found = record.read(tmp_path / record.NAME)
    assert found.rollback is not None
    assert (found.rollback.kind, found.rollback.reason) == ("manual", "客戶投訴激增")
    assert found.rollback.budget_s == 600
    assert [step.name for step in found.rollback.steps] == [
        *("confirm", "reason"),
        *("switch", "verify", "health", "clean_up"),
    ]
