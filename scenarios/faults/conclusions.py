"""What experiments that a team has already say of themselves in the end: waited for, and held to their word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fixtures.evidence import NoEvidence
from fixtures.ledger import now
from scenarios.faults.site import Fault


@dataclass(frozen=True)
class Conclusion:
    passed: bool
    said: str


@runtime_checkable
class Concluding(Protocol):
    """A fault that may come to a conclusion of its own."""

    name: str

    @property
    def concludes_s(self) -> float:
        """Within which it is to; 0 for one that comes to none."""
        ...

    def conclusion(self) -> Conclusion | None:
        """None while there is none. Raises NoEvidence."""
        ...


@dataclass
class Heard:
    """One that is to come to a conclusion. `at` in unix seconds; None while there is none."""

    fault: Concluding
    at: float = 0.0
    conclusion: Conclusion | None = None

    @property
    def said(self) -> str:
        return f"{self.fault.name} by its own word: {self.conclusion.said if self.conclusion else 'nothing'}"


class Conclusions:
    """Those of an experiment's faults."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.heard = [Heard(one) for one in faults if isinstance(one, Concluding) and one.concludes_s]

    @property
    def longest_s(self) -> float:
        return max((one.fault.concludes_s for one in self.heard), default=0.0)

    def complete(self) -> bool:
        """Whether all have come to theirs; they are asked again until they have."""
        for one in (one for one in self.heard if one.conclusion is None):
            try:
                one.at, one.conclusion = now(), one.fault.conclusion()
            except NoEvidence:
                continue
        return all(one.conclusion for one in self.heard)

    @property
    def wrong(self) -> list[str]:
        return [one.said for one in self.heard if one.conclusion and not one.conclusion.passed]

    @property
    def unknown(self) -> str:
        silent = [one.fault.name for one in self.heard if one.conclusion is None]
        return f"{', '.join(silent)} came to no verdict of its own" if silent else ""

    @property
    def moments(self) -> list[tuple[float, str]]:
        return [(one.at, one.said) for one in self.heard if one.conclusion]
