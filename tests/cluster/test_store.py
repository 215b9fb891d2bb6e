"""The store against a simple model of it: whatever happens, versions grow, watches tell all, the journal keeps it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fixtures.lab.cluster.journal import Journal
from fixtures.lab.cluster.store import Change, Gone, Store, key_of
from tests import loops

NAMES = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.sampled_from(["n", "m"])
SHELVES = st.sampled_from(["pods", "services"])
Model = dict[tuple[str, str, str], Any]


def manifest(namespace: str, name: str, data: int) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "data": data}


def contents(store: Store) -> Model:
    return {
        (shelf, *key_of(held.object)): held.object["data"]
        for shelf in ("pods", "services")
        for held in store.all(shelf)
    }


class StoreAgainstModel(RuleBasedStateMachine):
    """Puts, removes and restarts, in any order."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.jsonl"
        self.store = Store(Journal(self.path), history=12, compact_bytes=2000)
        self.model: Model = {}
        self.past: dict[int, Model] = {self.store.revision: {}}
        self.last = self.store.revision
        self._watch()

    def _watch(self) -> None:
        self.watched = dict(self.model)
        self.watches = {shelf: self.store.subscribe(shelf) for shelf in ("pods", "services")}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(shelf=SHELVES, namespace=NAMESPACES, name=NAMES, data=st.integers(0, 9))
    def put(self, shelf: str, namespace: str, name: str, data: int) -> None:
        kept = self.store.put(shelf, manifest(namespace, name, data))
        self.model[shelf, namespace, name] = data
        self._moved(int(kept["metadata"]["resourceVersion"]))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        shelf, namespace, name = data.draw(st.sampled_from(sorted(self.model)))
        gone = self.store.remove(shelf, namespace, name)
        assert gone["data"] == self.model.pop((shelf, namespace, name))
        self._moved(int(gone["metadata"]["resourceVersion"]))

    @rule(torn=st.booleans())
    def restart(self, torn: bool) -> None:
        self.store.close()
        if torn:
            with self.path.open("ab") as journal:
                journal.write(b'[99,"pods","n","a",{"meta')
        self.store = Store(Journal(self.path), history=12, compact_bytes=2000)
        assert self.store.revision == self.last
        self.past = {self.last: dict(self.model)}
        self._watch()

    def _moved(self, revision: int) -> None:
        assert revision > self.last
        assert revision == self.store.revision
        self.last = revision
        self.past[revision] = dict(self.model)

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        assert contents(self.store) == self.model
        assert [key_of(held.object) for held in self.store.all("pods")] == sorted(
            (namespace, name) for shelf, namespace, name in self.model if shelf == "pods"
        )

    @invariant()
    def whoever_watches_knows_the_same(self) -> None:
        for shelf, subscription in self.watches.items():
            _replay(self.watched, shelf, subscription.take())
        assert self.watched == self.model

    @invariant()
    def the_past_can_be_listed_and_replayed_while_it_is_known(self) -> None:
        for revision, was in self.past.items():
            replayed = dict(was)
            for shelf in ("pods", "services"):
                if revision < self.store.oldest:
                    with pytest.raises(Gone):
                        self.store.since(shelf, revision)
                    continue
                listed = {
                    (shelf, *key_of(held.object)): held.object["data"]
                    for held in self.store.all_at(shelf, "", revision)
                }
                assert listed == {key: data for key, data in was.items() if key[0] == shelf}
                _replay(replayed, shelf, list(self.store.since(shelf, revision)))
            if revision >= self.store.oldest:
                assert replayed == self.model


def _replay(model: Model, shelf: str, changes: list[Change]) -> None:
    """Each event must fit what was known before it."""
    for change in changes:
        key = (shelf, *key_of(change.now.object))
        if change.type == "DELETED":
            assert model.pop(key) == change.now.object["data"]
        else:
            assert (key in model) is (change.type == "MODIFIED")
            model[key] = change.now.object["data"]
        assert change.now.object["metadata"]["resourceVersion"] == str(change.revision)


TestStore = StoreAgainstModel.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_a_journal_cut_anywhere_is_a_prefix_of_what_was(tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        store = Store(Journal(path))
        for number in range(5):
            store.put("pods", manifest("n", f"p{number}", number))
        store.close()
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) - len(tail)])
        again = Store(Journal(path))
        names = [held.object["metadata"]["name"] for held in again.all("pods")]
        again.close()
        assert names == [f"p{number}" for number in range(len(names))]


def test_a_watch_that_falls_behind_is_told() -> None:
    async def watch() -> bool:
        store = Store()
        subscription = store.subscribe("pods")
        for number in range(5000):
            store.put("pods", manifest("n", "p", number))
        await subscription.arrived()
        return subscription.lost

    assert loops.run(watch())
