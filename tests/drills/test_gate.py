"""The drills of the profile on the whole lab: a healthy one passes, and each way back that is broken is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.clock import wait_until
from fixtures.lab import Lab
from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from fixtures.target.load import PROFILES
from scenarios.drills.__main__ import main
from tests.suites.running import ROOT, Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(600)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "drills"}
READ_S = 2.0  # until pods have read how they are to behave
UNHELD = {"rollback_switch", "rollback_automatic", "rollback_manual", "rollback_any", "disaster_recovery"}
CAUGHT = {
    "backups-missing": "database_lost",
    "backups-stale": "database_lost",
    "archive-missing": "database_lost",
    "sessions-cached-alone": "cache_lost",
    "pinned-to-a-node": "node_lost",
}


def held(lab: Lab, folder: Path, *options: str) -> Run:
    records = ("--unattended", "--drill-records", str(folder / "records"))
    return run_stage(
        "drills", lab=lab.facts["name"], folder=folder / "run", options=(*records, *options), timeout_s=500
    )


def stricter(folder: Path) -> Path:
    """The profile with ten minutes in the place of the day that may be lost."""
    shutil.copytree(PROFILES / "hwayo", folder / "hwayo")
    text = (PROFILES / "hwayo.yaml").read_text()
    assert "rpo: 24h" in text
    profile = folder / "hwayo.yaml"
    profile.write_text(text.replace("rpo: 24h", "rpo: 10m"))
    return profile


def test_a_healthy_lab_passes_every_drill_and_they_count_as_held(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = held(lab, tmp_path)
    assert run.with_verdict("FAIL", "INVALID") == set(), run.output[-4000:]
    # Promised of drills that no row holds: the suite as a whole proves no whole.
    assert run.with_verdict("UNKNOWN") == UNHELD
    assert run.exit_code == 10
    drills = {"backup_restore", "database_lost", "cache_lost", "node_lost"}
    assert run.findings.keys() >= {*drills, *(f"{one}_rto" for one in drills), "data_integrity"}
    for one in drills:
        page = (tmp_path / "run" / "drills" / one / "drill.html").read_text()
        assert "RTO" in page
        assert lab.facts["credentials"]["database_admin_password"] not in page
    main(["--records", str(tmp_path / "records")], now_s=time.time())
    said = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert all("PASS" in said[one] and "OVERDUE" not in said[one] for one in drills)
    assert "OVERDUE: it has never passed" in said["disaster"]  # whose emergency procedure no suite holds


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
        run = held(lab, tmp_path, "-k", drill, "--target", str(stricter(tmp_path)))
    finally:
        mend_all(access)
    caught = {one for one in defect.caught_by if one.startswith(drill)}
    assert caught <= run.with_verdict("FAIL"), run.output[-4000:]
    assert defect.says in run.reasons("FAIL", caught)
    assert run.exit_code == 1


def test_what_a_killed_run_left_is_ended_by_the_next(lab: Lab, tmp_path: Path) -> None:
    """Killed while its database is down: the next run serves users again before it loses anything."""
    orders = Path(lab.facts["servers"]["database"]["orders"])
    killed = subprocess.Popen(
        [sys.executable, "-m", "pytest", "suites/drills", "-q", "-k", "database_lost", "--lab", lab.facts["name"],
         "--unattended", "--run-dir", str(tmp_path / "killed"), "--drill-records", str(tmp_path / "none")],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: orders.exists() and '"down"' in orders.read_text(), 120, poll_s=0.02)
    finally:
        killed.kill()
        killed.wait(10)
    run = held(lab, tmp_path, "-k", "cache_lost")  # which needs a database that answers
    assert run.with_verdict("PASS") >= {"cache_lost", "cache_lost_rto", "cache_lost_rpo"}, run.output[-4000:]
    assert not (tmp_path / "none").exists()
