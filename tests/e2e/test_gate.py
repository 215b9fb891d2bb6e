"""The stage is tried like the product: broken pages are caught by whom they should be, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from fixtures.target import Target
from tests.e2e.test_browser import everything
from tests.labs import a_lab, a_way_in
from tests.rights import least_of
from tests.suites.running import Run, run_stage
from tests.suites.together import Group, title, together

pytestmark = [pytest.mark.lab, pytest.mark.timeout(660)]
DEFECTS = {name: one for name, one in known("hwayo").items() if one.stage == "e2e"}
MOST = 6  # defects in one run
PATIENCE_S = 600  # it is busy with more than this on a small machine
# The pages take their sixty loads each; those that a defect has nothing to do with are left to the healthy run.
LOADS = frozenset(one.name for one in Target.load("hwayo").objectives.values() if one.over.kind == "page")


LEAST = {"page_load_time": 200}  # loads of all pages together


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    with a_lab("e2e") as lab, a_way_in(lab) as found, least_of(lab, found, "e2e"):
        yield found


@pytest.fixture
def broken(access: Access, request: pytest.FixtureRequest) -> Iterator[Group]:
    defects: Group = request.param
    try:
        for defect in defects:
            put_in(access, defect)
        yield defects
    finally:
        mend_all(access)


def only(loads: frozenset[str]) -> str:
    """Everything but loading pages, and of these the ones named."""
    return " or ".join(["not test_page_load", *sorted(loads)])


def gating(run: Run, *verdicts: str) -> dict[str, Any]:
    return {name: one for name, one in run.findings.items() if one["gates"] and one["verdict"] in verdicts}


def looked(access: Access, folder: Path, *options: str) -> Run:
    return run_stage("e2e", lab=access.facts["name"], folder=folder, options=options, timeout_s=PATIENCE_S)


SLOW = [one for one in DEFECTS.values() if one.caught_by & LOADS]  # minutes each on a slow machine
QUICK = [one for one in DEFECTS.values() if one not in SLOW]


@pytest.mark.parametrize(
    "broken",
    [
        *together(QUICK, MOST),
        *(pytest.param(one, marks=pytest.mark.long) for one in together(SLOW, MOST)),
    ],
    ids=title,
    indirect=True,
)
def test_a_defect_is_caught_by_those_who_should_and_nobody_else(
    broken: Group, access: Access, tmp_path: Path
) -> None:
    caught_by = frozenset[str]().union(*(one.caught_by for one in broken))
    run = looked(access, tmp_path, "-k", only(caught_by & LOADS))
    failed = gating(run, "FAIL")
    assert set(failed) == caught_by, run.output[-4000:]
    assert not gating(run, "UNKNOWN", "INVALID"), run.output[-4000:]
    assert run.exit_code == 1
    for defect in broken:  # each is named by who caught it, and by nobody who caught another
        naming = {name for name, found in failed.items() if defect.says in found["reason"]}
        assert naming
        assert naming <= defect.caught_by
    for found in failed.values():
        kinds = {one["kind"] for one in found["evidence"]}
        assert "image" in kinds
        assert found["name"] in LOADS or {"log", "file"} <= kinds
    no_secret_is_left(access, tmp_path)


def no_secret_is_left(access: Access, folder: Path) -> None:
    """Neither in what the run says, nor in its traces."""
    secrets = [value for name, value in access.facts["credentials"].items() if "password" in name]
    for file in folder.rglob("*.*"):
        content = everything(file) if file.suffix == ".zip" else file.read_bytes()
        assert [one for one in secrets if one.encode() in content] == [], file
        if file.suffix == ".zip":
            assert b"eyJhbGciOi" not in content, file


@pytest.mark.parametrize(
    "loads",
    [frozenset({"page_login"}), pytest.param(LOADS, marks=pytest.mark.long)],
    ids=["some-pages", "all-pages"],
)
def test_a_healthy_system_passes_in_silence(access: Access, tmp_path: Path, loads: frozenset[str]) -> None:
    run = looked(access, tmp_path, *(("-k", only(loads)) if loads != LOADS else ()))
    assert not gating(run, "FAIL", "UNKNOWN", "INVALID"), run.output[-4000:]
    assert run.exit_code == (0 if loads == LOADS else 10)  # a part of a stage proves no whole
    for name in loads:
        measured = run.findings[name]["measurement"]
        assert measured["samples"] >= LEAST.get(name, 60)
        assert measured["bad"] == 0
        assert "LCP" in run.findings[name]["evidence"][0]["text"]


def test_where_there_is_no_browser_nothing_is_known(
    access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "nowhere"))
    run = looked(access, tmp_path / "run", "--browser", "firefox")
    unknown = gating(run, "UNKNOWN")
    assert set(unknown) == set(gating(run, "PASS", "FAIL", "UNKNOWN", "INVALID"))
    assert len(unknown) >= 9
    assert run.exit_code == 10
    assert all("playwright install firefox" in one["reason"] for one in unknown.values())
