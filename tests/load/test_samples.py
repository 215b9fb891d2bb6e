"""Samples are read back as they were written, whichever process wrote them, and counted exactly."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.load import records
from scenarios.load.cells import Cells, Gathering
from scenarios.load.records import Outcome, Record, Writer, mark
from scenarios.load.samples import Samples

Row = tuple[int, int, str, str, Outcome]  # due ms, latency µs, endpoint, asked, outcome

rows = st.lists(
    st.tuples(
        st.integers(0, 9_999),
        st.integers(0, 30_000_000),
        st.sampled_from(["GET /a", "POST /a", "REPORT /r"]),
        st.sampled_from(["blue", "green"]),
        st.sampled_from(list(Outcome)),
    ),
    max_size=120,
)


def written(folder: Path, part: int, given_rows: list[Row]) -> Path:
    path = folder / f"records-{part}.bin"
    path.unlink(missing_ok=True)
    writer = Writer(path)
    for row in given_rows:
        writer.write(record(writer.names, row))
    writer.close()
    return path


def record(names: records.Names, row: Row) -> Record:
    due_ms, latency_us, endpoint, asked, outcome = row
    number = names.endpoint(endpoint, step=endpoint.startswith("REPORT"))
    served = names.served_side(asked if outcome <= Outcome.REFUSED else "")
    return Record(
        due_ms * 1_000_000, 0, latency_us, 7, 200, number, mark(outcome, names.asked_side(asked), served)
    )


@given(rows, rows)
@settings(max_examples=40)
def test_two_processes_records_read_as_one_run(
    tmp_path_factory: pytest.TempPathFactory, first: list[Row], second: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("records")
    # The second meets endpoints and sides in another order, so its numbers differ.
    files = [written(folder, 0, first), written(folder, 1, list(reversed(second)))]
    samples, everything = Samples.read(files), first + second
    assert samples.count == len(everything)
    assert samples.failed == sum(row[4] is not Outcome.OK for row in everything)
    for endpoint in ("GET /a", "POST /a", "REPORT /r"):
        for asked in ("blue", "green"):
            part = samples.of(endpoint, asked, (2.0, 8.0))
            mine = [row for row in everything if row[2:4] == (endpoint, asked) and 2000 <= row[0] < 8000]
            answered = [row[1] for row in mine if row[4] <= Outcome.REFUSED]
            assert part.count == len(mine)
            assert part.slower(1_000_000) == sum(us > 1_000_000 for us in answered)
            assert part.served() == ({asked: len(answered)} if answered else {})
            assert part.quantile(0.95) == quantile(answered, len(mine), 0.95)


@given(rows)
@settings(max_examples=40)
def test_histograms_say_what_the_samples_say(
    tmp_path_factory: pytest.TempPathFactory, some: list[Row]
) -> None:
    samples = Samples.read([written(tmp_path_factory.mktemp("records"), 0, some)])
    gathering, cells = Gathering((1_000_000,)), Cells()
    for at, row in enumerate(some):
        gathering.write(record(gathering.names, row))
        if at % 10 == 0:
            cells.add(gathering.report())  # in pieces, as over a wire
    cells.add(gathering.report())
    for exact, merged in ((samples, cells), (samples.of("GET /a", "blue"), cells.of("GET /a", "blue"))):
        assert (exact.count, exact.failed, exact.silent, exact.dropped) == (
            merged.count,
            merged.failed,
            merged.silent,
            merged.dropped,
        )
        assert exact.slower(1_000_000) == merged.slower(1_000_000)
        assert exact.failed_or_slower(1_000_000) == merged.failed_or_slower(1_000_000)
        assert exact.histogram().counts == merged.histogram().counts
        p95, about = exact.quantile(0.95), merged.quantile(0.95)
        assert about == (p95 if p95 is None else pytest.approx(p95, rel=0.009, abs=2e-6))
    assert samples.requests_only().count == cells.requests_only().count
    seconds = {one.at_s: one.requests for one in samples.seconds() if one.requests}
    assert seconds == {one.at_s: one.requests for one in cells.seconds()}


def quantile(answered: list[int], count: int, share: float) -> float | None:
    if not count:
        return None
    rank = max(1, math.ceil(round(share * count, 6)))
    return sorted(answered)[rank - 1] / 1e6 if rank <= len(answered) else math.inf


def test_who_never_answered_took_for_ever(tmp_path: Path) -> None:
    rows: list[Row] = [(0, 1000, "GET /a", "blue", Outcome.OK)] * 90
    rows += [(0, 5000, "GET /a", "blue", Outcome.DROPPED)] * 10
    samples = Samples.read([written(tmp_path, 0, rows)])
    assert samples.quantile(0.9) == pytest.approx(0.001)
    assert samples.quantile(0.95) == math.inf


def test_a_process_that_was_killed_leaves_its_whole_records(tmp_path: Path) -> None:
    path = written(tmp_path, 0, [(at, 1000, "GET /a", "blue", Outcome.OK) for at in range(10)])
    path.write_bytes(path.read_bytes()[:-5])
    assert [one.due_ns for one in records.read(path)] == [at * 1_000_000 for at in range(9)]
    assert Samples.read([path]).count == 9


def test_endpoints_beyond_what_a_record_can_tell_apart_are_counted_together() -> None:
    names = records.Names()
    numbers = [names.endpoint(f"GET /records/{number}") for number in range(300)]
    assert numbers[:255] == list(range(255))
    assert set(numbers[255:]) == {names.endpoints[records.MORE]} == {255}
