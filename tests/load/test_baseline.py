"""A baseline from its first run to the page, on the lab: kept once it passed, held against, refused and not kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.lab.breaking import Access
from fixtures.lab.defects import known, mend_all, put_in
from reports.baseline import store
from reports.baseline.store import AGAINST_ITSELF, RUN
from tests.labs import a_lab, a_way_in
from tests.suites.running import Run, run_stage

pytestmark = [pytest.mark.lab, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(600)]
LOAD = ("--load", "rate=120/s", "--load-for", "27s")  # a quarter of what two quiet cores carry
PAGE = "performance.html"


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    with a_lab("baseline") as lab, a_way_in(lab) as found:
        yield found


def measured(access: Access, folder: Path, kept: Path, *options: str) -> Run:
    options = (*options, "--baselines", str(kept))
    return run_stage("load", lab=access.facts["name"], folder=folder, options=options, timeout_s=300)


def test_a_run_becomes_a_baseline_and_the_next_is_held_against_it(access: Access, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = measured(access, tmp_path / "first", kept, *LOAD, "--save-baseline", "main")
    assert "Baseline main, kept in" in first.output, first.output[-4000:]
    assert "with its noise floor" in first.output
    page = (tmp_path / "first" / PAGE).read_text()
    assert "Nothing is kept under main before it" in page
    assert "/s were offered, and 500 rps is promised" in page
    found = store.load("main", kept)
    assert [one.kind for one in found.kept] == [RUN, AGAINST_ITSELF]
    assert found.noise(found.runs[0].conditions) is not None

    second = measured(access, tmp_path / "second", kept, *LOAD, "--baseline", "main")
    assert "Baseline main, kept" not in second.output
    page = (tmp_path / "second" / PAGE).read_text()
    assert "Held against 1 run of baseline main, of 10 that a history needs" in page
    assert "Against the run before" in page
    assert "The bar is the noise floor" in page
    assert "REGRESSED" not in page
    assert len(store.load("main", kept).kept) == 2
    judged = second.findings["in_line_with_baseline"]
    assert (judged["verdict"], judged["must"]) == ("UNKNOWN", False)  # one run is no history

    put_in(access, known("hwayo")["half-a-percent-fails"])
    try:
        other = ("--load", "rate=110/s", *LOAD[2:])
        third = measured(access, tmp_path / "third", kept, *other, "--save-baseline", "main")
    finally:
        mend_all(access)
    assert third.exit_code == 1, third.output[-4000:]
    assert (
        "Baseline main, not kept: only valid runs that pass become a baseline, and this one is FAIL"
        in third.output
    )
    page = (tmp_path / "third" / PAGE).read_text()
    assert "FAILED" in page
    assert "It is not comparable with baseline main" in page
    assert "then open, soak 120/s" in page
    assert len(store.load("main", kept).kept) == 2
