"""Which class puts in which kind of fault, and what each declares of itself: the catalogue page is made from this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, cast

from fixtures.platforms.abilities import Workloads, able
from fixtures.platforms.changes import Changes
from fixtures.target.faults import FaultOrder
from scenarios.faults.site import Fault
from scenarios.surroundings import Surroundings

F = TypeVar("F", bound=type)


Where = Literal["side", "sides", "platform"]


@dataclass(frozen=True)
class Right:
    """What a run must be allowed to do: on a kind of object (or pods/proxy, pods/eviction), in the namespace of the
    side that is harmed, of both sides, or on the platform. `names`: of those objects alone, where there are any.
    `when`: only for a fault that states this."""

    kind: str
    verbs: tuple[str, ...]
    where: Where = "side"
    names: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True)
class Declared:
    """What a fault says of itself."""

    touches: str
    seen_by: str  # its effect, from elsewhere than where it was put in
    heals: str
    uses: tuple[type, ...] = (Changes, Workloads)  # abilities of the platform
    needs: str = ""  # of the environment, besides
    undone: bool = True  # False: what it takes is gone
    rights: tuple[Right, ...] = ()  # beside looking, which every fault needs


class Made(Protocol):
    def __call__(self, order: Any, around: Surroundings) -> Fault: ...


_KINDS: dict[type[FaultOrder], tuple[Made, Declared]] = {}


def puts_in(kind: type[FaultOrder], declared: Declared) -> Callable[[F], F]:
    """Register the class below as the one that puts in faults of that kind."""

    def register(maker: F) -> F:
        _KINDS[kind] = (cast(Made, maker), declared)
        return maker

    return register


def kinds() -> dict[type[FaultOrder], Declared]:
    return {kind: declared for kind, (_, declared) in _KINDS.items()}


def name_of(kind: type[FaultOrder]) -> str:
    """As a profile calls it."""
    (name,) = kind.model_fields["fault"].annotation.__args__  # type: ignore[union-attr]
    return str(name)


def made(order: FaultOrder, around: Surroundings) -> Fault:
    """Raises Unsupported where the platform lacks an ability that it takes."""
    maker, declared = _KINDS[type(order)]
    for ability in declared.uses:
        able(around.platform, ability)
    return maker(order, around)
