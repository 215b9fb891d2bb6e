"""An entry is there whole or not at all, whatever ends its writer: SIGKILL, a torn write, a full disk."""

from __future__ import annotations

import dataclasses
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from fixtures.ledger import Entry, Ledger, LedgerFailed, Runner, undone_in_order

ROOT = Path(__file__).resolve().parents[2]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ACTS = st.dictionaries(st.sampled_from(["act", "ref", "uid", "changes"]), JSON)
ENTRIES = st.builds(
    Entry,
    fault=st.sampled_from(["pod-kill", "延遲"]),
    act=ACTS,
    runner=st.just(Runner.me()),
    began=st.floats(0, 2e9),
    expires=st.floats(0, 2e9),
    order=st.integers(0, 9),
)


def entry(fault: str = "pod-kill", order: int = 0) -> Entry:
    return Entry(fault, {"act": "remove"}, Runner.me(), 1.0, 2.0, order)


@given(ENTRIES)
def test_an_entry_is_read_as_it_was_written(written: Entry) -> None:
    assert Entry.read(written.text) == written


@given(ENTRIES, st.data())
def test_a_torn_entry_is_never_taken_for_one(written: Entry, data: st.DataObject) -> None:
    whole = written.text
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ValueError):  # noqa: PT011 - the one that readers expect
        Entry.read(part)


class Life(RuleBasedStateMachine):
    """Entries are opened and settled, files are torn and half-written ones lie about, and processes begin anew."""

    opened = Bundle("opened")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger(Path(self._folder.name) / "ledger")
        self.known: dict[str, Entry] = {}
        self.torn: set[str] = set()

    @rule(target=opened, new=ENTRIES)
    def open_one(self, new: Entry) -> Entry:
        new = dataclasses.replace(new, id=os.urandom(8).hex())
        self.ledger.open(new)
        self.known[new.id] = new
        return new

    @rule(one=opened)
    def settle_one(self, one: Entry) -> None:
        self.ledger.settle(one.id)
        self.known.pop(one.id, None)
        self.torn.discard(one.id)

    @rule(one=opened, keep=st.integers(0, 40))
    def tear_one(self, one: Entry, keep: int) -> None:
        file = self.ledger.folder / f"{one.id}.json"
        if file.exists():
            file.write_bytes(file.read_bytes()[:keep])
            self.known.pop(one.id, None)
            self.torn.add(one.id)

    @rule(text=st.text(max_size=20))
    def die_halfway(self, text: str) -> None:
        self.ledger.folder.mkdir(exist_ok=True)
        (self.ledger.folder / f"{os.urandom(4).hex()}.1.new").write_text(text)

    @rule()
    def begin_anew(self) -> None:
        self.ledger = Ledger(self.ledger.folder)

    @invariant()
    def knows_what_is_open(self) -> None:
        found = self.ledger.entries()
        assert found == undone_in_order(found)
        assert {one.id: one for one in found} == self.known
        assert {file.stem for file in self.ledger.damaged()} == self.torn

    def teardown(self) -> None:
        self._folder.cleanup()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=20)

WRITER = """
import sys
from pathlib import Path
from fixtures.ledger import Entry, Ledger, Runner
ledger, me = Ledger(Path(sys.argv[1])), Runner.me()
while True:
    new = Entry("pod-kill", {"act": "x" * 5000}, me, 1.0, 2.0)
    print("opening", new.id, flush=True)
    ledger.open(new)
    print("opened", new.id, flush=True)
    if int(new.id, 16) % 2:
        print("settling", new.id, flush=True)
        ledger.settle(new.id)
"""


def test_a_killed_writer_loses_nothing_that_it_was_told_is_written(tmp_path: Path) -> None:
    """Twelve writers, each killed at a moment of its own."""
    for number in range(12):
        folder = tmp_path / str(number)
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(random.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        said = [
            line.split() for line in [first, *writer.stdout.read().splitlines()] if len(line.split()) == 2
        ]
        writer.wait()
        begun = {
            word: {id for what, id in said if what == word} for word in ("opening", "opened", "settling")
        }
        ledger = Ledger(folder)
        found = {one.id for one in ledger.entries()}
        assert begun["opened"] - begun["settling"] <= found <= begun["opening"]
        assert ledger.damaged() == []


def test_a_full_disk_is_said_before_any_harm(tmp_path: Path) -> None:
    """The kernel refuses to write more, as it does on a full disk."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.open(entry())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(LedgerFailed, match="cannot be written"):
            ledger.open(entry("drain"))
        ledger.settle(ledger.entries()[0].id)  # healing needs no room
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert ledger.entries() == []
    assert ledger.damaged() == []


def test_the_last_act_is_undone_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for order in (1, 0, 2):
        ledger.open(entry(order=order))
    assert [one.order for one in ledger.entries()] == [2, 1, 0]


def test_a_process_is_told_from_a_later_one_of_its_number() -> None:
    me = Runner.me()
    assert me.is_alive
    assert not dataclasses.replace(me, started="1").is_alive
    elsewhere = dataclasses.replace(me, machine="elsewhere/")
    assert not elsewhere.is_here
    assert not elsewhere.is_alive


def test_a_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.open(entry())
    assert [file.stat().st_mode & 0o077 for file in tmp_path.glob("*.json")] == [0]
