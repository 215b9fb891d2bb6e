"""The journal says what was acknowledged, whenever its writer was killed, and refuses to be read as what it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.drills.journal import BrokenJournal, Journal, Outcome, Write, read
from tests.drills.histories import histories


def written(path: Path, writes: list[Write]) -> None:
    with Journal(path) as journal:
        for one in writes:
            journal.sending(one.key, one.print, one.sent_s)
        for one in writes:
            if one.answered_s is not None:
                journal.answered(one)


@given(histories().map(lambda history: list(history.writes)), st.data())
def test_what_is_read_is_what_was_written_up_to_where_it_was_cut(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Write], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "writes.jsonl"
    written(path, writes)
    assert read(path) == writes
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    found = read(path)
    assert [one.key for one in found] == [one.key for one in writes[: len(found)]]
    lines = whole[:cut].count(b"\n")
    assert len(found) == min(lines, len(writes))
    answered = [one for one in found if one.answered_s is not None]
    assert len(answered) == max(0, lines - len(writes))
    assert all(one in writes for one in answered)


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "writes.jsonl"
    written(path, [])
    with pytest.raises(FileExistsError):
        Journal(path)


SENT = '{"key": "a", "print": "p", "sent_s": 1}\n'
ANSWERED = '{"key": "a", "outcome": "acknowledged", "answered_s": 1, "id": 1, "why": ""}\n'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (SENT + SENT, "sent before"),
        (ANSWERED, "line 1"),
        ("nonsense\n", "line 1"),
        (SENT + ANSWERED.replace("acknowledged", "fine"), "fine"),
    ],
)
def test_what_is_no_journal_is_no_evidence(tmp_path: Path, lines: str, says: str) -> None:
    path = tmp_path / "writes.jsonl"
    path.write_text(lines)
    with pytest.raises(BrokenJournal, match=says):
        read(path)


def test_a_second_answer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "writes.jsonl"
    once = Write("a", "p", 1.0, Outcome.ACKNOWLEDGED, 2.0, 7)
    with Journal(path) as journal:
        journal.sending(once.key, once.print, once.sent_s)
        journal.answered(once)
        journal.answered(once)
    with pytest.raises(BrokenJournal, match="answered before"):
        read(path)
