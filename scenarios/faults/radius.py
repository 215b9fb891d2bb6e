"""Whom a fault may touch, and how many at most; checked at the moment of injection, and closed unless opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fixtures.platforms.changes import Changes, Json, Ref
from scenarios.faults.acts import Act

OPT_IN = (
    "verdigris.dev/chaos",
    "allowed",
)  # the label of a namespace, or of an object in none, that may be touched


class Forbidden(Exception):
    """The fault would touch what it must not, and was not put in."""


class EmptyBlastRadius(Forbidden):
    """Nothing matches: a fault without a victim proves nothing."""


@dataclass(frozen=True)
class Plan:
    """What a fault is about to do. `victims` are who will feel it (pods, mostly), of so many who do the same work."""

    acts: tuple[Act, ...]
    victims: tuple[str, ...]
    of: int

    @property
    def text(self) -> str:
        """For a dry run."""
        acts = [f"  {act.as_json()['act']} {act.ref}" for act in self.acts]
        return "\n".join([*acts, f"  felt by {', '.join(self.victims)} ({len(self.victims)} of {self.of})"])


@dataclass(frozen=True)
class BlastRadius:
    """At most so many victims, and at most that share of those who do the same work."""

    at_most: int = 1
    share: float = 1.0

    def admit(self, plan: Plan, objects: Changes) -> None:
        """Raises Forbidden, and EmptyBlastRadius."""
        if not plan.acts or not plan.victims:
            raise EmptyBlastRadius(f"nothing matches: {len(plan.acts)} acts, victims of {plan.of}: none")
        if len(plan.victims) > self.at_most:
            raise Forbidden(
                f"{len(plan.victims)} would feel it, at most {self.at_most} may: {', '.join(plan.victims)}"
            )
        if len(plan.victims) > self.share * plan.of:
            raise Forbidden(f"{len(plan.victims)} of {plan.of} would feel it, at most {self.share:.0%} may")
        closed = [ref for ref in places([act.ref for act in plan.acts]) if not _opted_in(objects, ref)]
        if closed:
            raise Forbidden(
                f"{', '.join(map(str, closed))}: not labelled {'='.join(OPT_IN)}, so nothing there may be touched"
            )


def places(refs: Sequence[Ref]) -> list[Ref]:
    """What must have opted in: each namespace, and each object that stands in none."""
    found = [Ref("Namespace", "", ref.namespace) if ref.namespace else ref for ref in refs]
    return sorted(set(found))


def _opted_in(objects: Changes, ref: Ref) -> bool:
    found = objects.read_object(ref)
    return found is not None and has_opted_in(found)


def has_opted_in(found: Json) -> bool:
    return (found["metadata"].get("labels") or {}).get(OPT_IN[0]) == OPT_IN[1]
