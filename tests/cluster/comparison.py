"""How an answer is compared with what a real kube-apiserver gave: one function, and no exceptions to it.

Statuses exactly. Of an error its reason, code, subject and causes. Of an object all that was recorded, its metadata in
full, except that of what servers make up (uids, times, addresses, …) the presence counts, and of versions the order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MADE_UP = {
    *(
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "lastTransitionTime",
        "clusterIP",
        "clusterIPs",
        "continue",
    ),
    *("storageVersionHash", "serverAddress"),
}


@dataclass
class Versions:
    """resourceVersions as recorded and as seen: their order must be the same."""

    pairs: list[tuple[int, int, bool]] = field(default_factory=list)

    def differ(self, recorded: str, seen: str, of_list: bool) -> str:
        """A list's version may be later than that of its newest object: others write, too."""
        ours, theirs = int(seen), int(recorded)
        for old_theirs, old_ours, old_of_list in self.pairs:
            if (old_theirs < theirs and old_ours >= ours) or (old_theirs > theirs and old_ours <= ours):
                return f"{seen} stands to {old_ours} as {recorded} does not to {old_theirs}"
            if old_theirs == theirs and old_ours != ours and not (of_list or old_of_list):
                return f"{seen} differs from {old_ours}, but both were {recorded}"
        self.pairs.append((theirs, ours, of_list))
        return ""


def differences(recorded: Mapping[str, Any], status: int, seen: Any, versions: Versions) -> list[str]:
    """What differs between the recorded exchange and the answer that was seen; empty when nothing does."""
    if recorded["status"] != status:
        return [f"status {status} instead of {recorded['status']}: {json.dumps(seen)[:300]}"]
    wanted = recorded["response"]
    if wanted is None:
        return []
    if isinstance(wanted, Mapping) and wanted.get("status") == "Failure":
        return list(_errors_differ(wanted, seen))
    return list(_differ(wanted, seen, "", versions))


def event_differences(recorded: list[Mapping[str, Any]], seen: list[Mapping[str, Any]]) -> list[str]:
    """Of a watch's events: type, and name, generation, labels and the mark of deletion of their objects."""
    shown = []
    for event in seen:
        meta = event["object"].get("metadata", {})
        if event["type"] == "BOOKMARK":
            shown.append({"type": "BOOKMARK", "kind": event["object"]["kind"]})
        else:
            shown.append(
                {
                    "type": event["type"],
                    "name": meta.get("name"),
                    "generation": meta.get("generation"),
                    "labels": meta.get("labels"),
                    "deletionTimestamp": "deletionTimestamp" in meta,
                }
            )
    return (
        [] if shown == list(recorded) else [f"events {json.dumps(shown)} instead of {json.dumps(recorded)}"]
    )


def _errors_differ(wanted: Mapping[str, Any], seen: Any) -> Iterator[str]:
    for key in ("kind", "status", "reason", "code"):
        if wanted.get(key) != seen.get(key):
            yield f"{key} {seen.get(key)!r} instead of {wanted.get(key)!r}"
    if _subject(wanted) != _subject(seen):
        yield f"message about {_subject(seen)!r} instead of {_subject(wanted)!r}"
    for key in ("name", "group", "kind", "retryAfterSeconds"):
        was, now = _of(wanted, "details", key), _of(seen, "details", key)
        if was != now:
            yield f"details.{key} {now!r} instead of {was!r}"
    if _causes(wanted) != _causes(seen):
        yield f"causes {_causes(seen)} instead of {_causes(wanted)}"


def _of(value: Mapping[str, Any], *path: str) -> Any:
    for key in path:
        value = value.get(key) or {}
    return value or None


def _subject(status: Mapping[str, Any]) -> str:
    return str(status.get("message", "")).partition(": ")[0]


def _causes(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(cause.get("reason"), cause.get("field")) for cause in _of(status, "details", "causes") or ()]


def _differ(wanted: Any, seen: Any, path: str, versions: Versions) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        yield from _maps_differ(wanted, seen, path, versions)
    elif isinstance(wanted, list) and isinstance(seen, list):
        if len(wanted) != len(seen):
            yield f"{path}: {len(seen)} items instead of {len(wanted)}"
        for i, (was, now) in enumerate(zip(wanted, seen, strict=False)):
            yield from _differ(was, now, f"{path}[{i}]", versions)
    elif wanted != seen:
        yield f"{path}: {json.dumps(seen)} instead of {json.dumps(wanted)}"


def _maps_differ(
    wanted: Mapping[str, Any], seen: Mapping[str, Any], path: str, versions: Versions
) -> Iterator[str]:
    whole = path.rpartition(".")[2] == "metadata"
    if whole and (more := set(seen) - set(wanted) - {"managedFields"}):
        yield f"{path} has {sorted(more)}, too"
    generated = "generateName" in wanted
    for key, was in wanted.items():
        now, at = seen.get(key), f"{path}.{key}"
        if key in MADE_UP:
            if bool(was) != bool(now):
                yield f"{at}: {now!r} instead of {was!r}"
        elif whole and key == "resourceVersion":
            if not now:
                yield f"{at} is missing"
            elif said := versions.differ(was, now, of_list="name" not in wanted):
                yield f"{at}: {said}"
        elif whole and key == "name" and generated:
            if not str(now).startswith(wanted["generateName"]) or len(str(now)) != len(was):
                yield f"{at}: {now!r} was not made of {wanted['generateName']!r}"
        elif was is not None or now is not None:
            yield from _differ(was, now, at, versions)
