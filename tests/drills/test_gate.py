"""The drills of the profile on the whole lab: a healthy one passes, and each way back that is broken is named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from fixtures.lab.systems.hwayo.breakage_drills import WRITES, NewestCorrupt, Torn
from fixtures.lab.systems.hwayo.catalogue import GREEN
from fixtures.target import Target
from fixtures.target.load import PROFILES
from reports.drills.history import records
from scenarios.drills.__main__ import main
from scenarios.drills.drill import WARM_UP_WRITES
from tests.suites.running import ROOT, Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(600)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "drills"}
HEALS_S = 240.0  # a version is ready again within 180 s, on a busy machine
READ_S = 2.0  # until pods have read how they are to behave
TOO_YOUNG = {"backups-kept", "error-budget"}  # what is promised over a month, in a lab of minutes
DRILLS = {name for name, one in Target.load("hwayo").drills.items() if one.loses}
ANSWERS = "A, B and C are on the line\n" * 6  # what a person says to each of the steps that are theirs
CAUGHT = {
    "backups-missing": "database_lost",
    "backups-stale": "database_lost",
    "archive-missing": "database_lost",
    "archive-lagging": "backups-archived",
    "nobody-is-told": "disaster",
    "older-state-restored": "database_lost",
    "table-not-restored": "database_lost",
    "right-not-restored": "database_lost",
    "ids-given-again": "communication",
    "cache-not-warmed": "cache_lost",
    "sessions-cached-alone": "cache_lost",
    "pinned-to-a-node": "node_lost",
}


def held(lab: Lab, folder: Path, *options: str, answers: str | None = None) -> Run:
    """Unattended, where nobody answers."""
    told = ("--drill-records", str(folder / "records"), *(() if answers else ("--unattended",)), *options)
    return run_stage(
        "drills", lab=lab.facts["name"], folder=folder / "run", options=told, timeout_s=550, answers=answers
    )


def changed(folder: Path, old: str, new: str) -> Path:
    """The profile, with the one in the place of the other."""
    shutil.copytree(PROFILES / "hwayo", folder / "hwayo")
    text = (PROFILES / "hwayo.yaml").read_text()
    assert old in text
    profile = folder / "hwayo.yaml"
    profile.write_text(text.replace(old, new))
    return profile


def stricter(folder: Path) -> Path:
    """Ten minutes in the place of the day that may be lost."""
    return changed(folder, "rpo: 24h", "rpo: 10m")


def test_a_healthy_lab_passes_every_drill_and_they_count_as_held(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = held(lab, tmp_path, answers=ANSWERS)
    assert run.with_verdict("FAIL", "INVALID") == set(), run.output[-4000:]
    assert run.with_verdict("UNKNOWN") == set()
    not_here = {name for name, one in run.findings.items() if one.get("absent")}
    assert not_here == {*TOO_YOUNG, "copies-encrypted"}
    assert run.exit_code == 0
    promised = {"data_integrity", "disaster_recovery", "backups-archived"}
    assert run.with_verdict("PASS") >= {*DRILLS, *(f"{one}_rto" for one in DRILLS), *promised}
    for one in DRILLS:
        page = (tmp_path / "run" / "drills" / one / "drill.html").read_text()
        assert "RTO" in page
        assert lab.facts["credentials"]["database_admin_password"] not in page
    main(["--records", str(tmp_path / "records")], now_s=time.time())
    said = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert all("PASS" in said[one] and "OVERDUE" not in said[one] for one in DRILLS)


def test_steps_of_a_person_fail_where_nobody_is_there(lab: Lab, tmp_path: Path) -> None:
    run = held(lab, tmp_path, "-k", "communication")
    assert run.with_verdict("FAIL") == {"communication"}, run.output[-4000:]
    assert "緊急電話會議: it needs a person, and nobody answered" in run.reasons("FAIL")
    assert run.with_verdict("PASS") >= {"communication_rto", "communication_rpo"}


def test_every_defect_of_the_way_back_is_tried() -> None:
    assert DEFECTS.keys() == CAUGHT.keys()


@pytest.mark.parametrize("name", CAUGHT)
def test_a_defect_of_the_way_back_is_caught_and_named(
    name: str, lab: Lab, access: Access, tmp_path: Path
) -> None:
    defect, drill = DEFECTS[name], CAUGHT[name]
    put_in(access, defect)
    try:
        time.sleep(READ_S)
        told = ("-k", drill, "--target", str(stricter(tmp_path)))
        run = held(lab, tmp_path, *told, answers=ANSWERS if drill == "communication" else None)
    finally:
        mend_all(access)
    caught = {one for one in defect.caught_by if one.startswith(drill)}
    assert caught <= run.with_verdict("FAIL"), run.output[-4000:]
    assert defect.says in run.reasons("FAIL", caught)
    assert run.exit_code == 1


def test_where_the_newest_backup_is_corrupt_the_one_before_serves_and_that_is_said(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    corrupt = NewestCorrupt()
    corrupt.apply(access)
    try:
        run = held(lab, tmp_path, "-k", "page_corrupted")
    finally:
        corrupt.mend(access, None)
    passed = {"page_corrupted", "page_corrupted_rto", "page_corrupted_rpo"}
    assert run.with_verdict("PASS") >= passed, run.output[-4000:]
    (record,) = records(tmp_path / "records")
    chosen = next(one for one in record.steps if one.name == "choose")
    assert "nightly-unreadable is corrupt: global/pg_control is not what was backed up" in chosen.said


def test_what_a_gap_in_the_archive_costs_is_stated_write_by_write(
    lab: Lab, access: Access, tmp_path: Path
) -> None:
    """A day may be lost: the drill passes, and hides nothing."""
    gap = Torn(WRITES, "SELECT 1")
    gap.apply(access)
    try:
        run = held(lab, tmp_path, "-k", "database_lost")
    finally:
        gap.mend(access, None)
    passed = {"database_lost", "database_lost_rto", "database_lost_rpo"}
    assert run.with_verdict("PASS") >= passed, run.output[-4000:]
    (record,) = records(tmp_path / "records")
    restored = next(one for one in record.steps if one.name == "restore")
    assert re.search(
        "the archive lacks [0-9A-F]{24}.*: whatever was written from then on is lost", restored.said
    )
    rpo = next(one for one in record.figures if one.name == "rpo")
    assert rpo.value is not None
    assert rpo.value > 0
    assert len(record.losses) >= WARM_UP_WRITES
    assert Path(record.evidence["data"].rpartition(" ")[2]).is_dir()  # somebody may want to look for them


def test_a_step_that_nobody_can_carry_out_is_named_and_proves_nothing(lab: Lab, tmp_path: Path) -> None:
    profile = changed(tmp_path, "{name: warm,", "{name: fill_again,")
    run = held(lab, tmp_path, "-k", "cache_lost", "--target", str(profile))
    assert run.with_verdict("FAIL", "INVALID") == set(), run.output[-4000:]
    assert run.findings["cache_lost"]["verdict"] == "UNKNOWN"
    assert "快取重新填充: skipped: nobody has written down how" in run.reasons("UNKNOWN", {"cache_lost"})
    assert run.exit_code == 10


@pytest.mark.parametrize(
    ("drill", "file", "has", "watched"),
    [("database_lost", "postgres.json", '"down"', False), ("disaster", "front-door.json", "", True)],
    ids=["its database down, and nobody stands by", "its front door closed"],
)
def test_what_a_killed_run_left_is_ended_by_who_stands_by_or_is_asked_to(
    drill: str, file: str, has: str, watched: bool, lab: Lab, tmp_path: Path
) -> None:
    """Users are served again, and the next run finds nothing amiss."""
    orders = Path(lab.facts["servers"]["database"]["orders"]).parent
    noted = orders / file
    killed_while(drill, lambda: noted.exists() and has in noted.read_text(), (lab, tmp_path), watched)
    if watched:
        wait_until(lambda: not (orders / "postgres-drill.json").exists(), 120)
        wait_until(lambda: not noted.exists(), 60)  # users are let in before the version is waited for
        log = orders / "postgres-drill.log"
        wait_until(lambda: log.stat().st_size, HEALS_S)
        assert "the front door is open" in log.read_text()
        assert f"{GREEN.namespace} is as it was" in log.read_text()
    else:
        said = healed(lab)
        assert ": the original " in said
        assert said.endswith("nothing is in\n")  # of faults: make heal takes these out too
    assert healed(lab) == "no drill was left\nnothing is in\n"
    run = held(
        lab, tmp_path, "-k", "cache_lost"
    )  # which needs a database that answers, and a version that serves
    assert run.with_verdict("PASS") >= {"cache_lost", "cache_lost_rto", "cache_lost_rpo"}, run.output[-4000:]
    assert not (tmp_path / "none").exists()


def killed_while(drill: str, is_so: Callable[[], bool], at: tuple[Lab, Path], watched: bool) -> None:
    """`watched`: whoever stands by is spared."""
    lab, folder = at
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "suites/drills", "-q", "-k", drill, "--lab", lab.facts["name"],
         "--unattended", "--run-dir", str(folder / "killed"), "--drill-records", str(folder / "none")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(is_so, 120, poll_s=0.02)
    finally:
        for one in psutil.Process(run.pid).children(recursive=True):
            if not watched and "scenarios.drills.standby" in one.cmdline():
                one.kill()
        run.kill()
        run.wait(10)


def healed(lab: Lab) -> str:
    """What a person does who finds it so."""
    told = ["make", "--no-print-directory", "--silent", "heal", f"ARGS=--lab {lab.facts['name']}"]
    done = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
