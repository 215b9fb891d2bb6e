"""A platform in memory, as strict about versions as a real one; and one that dies at a call, with its caller."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fixtures.platforms.changes import Changes, Conflict, Json, Ref

T = TypeVar("T")


class Shelf:
    """Implements Changes. Every write gives a new version; a stale one is a Conflict."""

    def __init__(self) -> None:
        self.objects: dict[Ref, Json] = {}
        self._count = 0

    def put(self, ref: Ref, **body: Any) -> Json:
        """Where a test begins."""
        self.objects[ref] = self._named(ref, {"metadata": {}, **body}, f"uid-{self._next()}")
        return copy.deepcopy(self.objects[ref])

    def change_kinds(self) -> Sequence[str]:
        return sorted({ref.kind for ref in self.objects})

    def read_object(self, ref: Ref) -> Json | None:
        return copy.deepcopy(self.objects.get(ref))

    def list_objects(self, kind: str, namespace: str = "") -> Sequence[Json]:
        return [
            copy.deepcopy(one)
            for ref, one in self.objects.items()
            if ref.kind == kind and namespace in ("", ref.namespace)
        ]

    def create_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        if ref in self.objects:
            raise Conflict(f"{ref} exists")
        self.objects[ref] = self._named(ref, copy.deepcopy(dict(body)), f"uid-{self._next()}")
        return copy.deepcopy(self.objects[ref])

    def replace_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        before = self.objects.get(ref)
        if before is None or before["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise Conflict(f"{ref} is not what was read")
        self.objects[ref] = self._named(ref, copy.deepcopy(dict(body)), before["metadata"]["uid"])
        return copy.deepcopy(self.objects[ref])

    def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
        found = self.objects.get(ref)
        if found is not None and found["metadata"]["uid"] != uid:
            raise Conflict(f"{ref} is another one")
        self.objects.pop(ref, None)

    def _named(self, ref: Ref, body: Json, uid: str) -> Json:
        version = {"uid": uid, "resourceVersion": str(self._next()), "name": ref.name}
        named = {"namespace": ref.namespace} if ref.namespace else {}
        return {**body, "metadata": {**body.get("metadata", {}), **named, **version}}

    def _next(self) -> int:
        self._count += 1
        return self._count


class Killed(BaseException):
    """As SIGKILL: nothing of the process goes on after it."""


class Dying:
    """Changes that end with their caller at the call of that number: before it is carried out, or just after."""

    def __init__(self, objects: Changes, at: int, after: bool) -> None:
        self._objects, self._left, self._after = objects, at, after
        self.dead = False

    def _call(self, do: Callable[[], T]) -> T:
        self._left -= 1
        if self.dead or self._left < 0 or (self._left == 0 and not self._after):
            raise Killed
        done = do()
        if self._left == 0:
            raise Killed
        return done

    def change_kinds(self) -> Sequence[str]:
        return self._objects.change_kinds()

    def read_object(self, ref: Ref) -> Json | None:
        return self._call(lambda: self._objects.read_object(ref))

    def list_objects(self, kind: str, namespace: str = "") -> Sequence[Json]:
        return self._call(lambda: self._objects.list_objects(kind, namespace))

    def create_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        return self._call(lambda: self._objects.create_object(ref, body))

    def replace_object(self, ref: Ref, body: Mapping[str, Any]) -> Json:
        return self._call(lambda: self._objects.replace_object(ref, body))

    def delete_object(self, ref: Ref, uid: str, at_once: bool = False) -> None:
        return self._call(lambda: self._objects.delete_object(ref, uid, at_once))
