"""Counts what breaks a promise among what was examined, and keeps the evidence a person needs to see why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from fixtures.evidence import Missing, NoEvidence
from reports.figures import figure
from reports.verdicts import Evidence, Measurement

SHOWN = 5  # violations that the one-line summary names; all of them are in the evidence
UNIT = "violations"


class Tally:
    """Of `what` (in the plural, for people): who was examined, who breaks the promise, and who could not be seen."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._examined: dict[str, None] = {}
        self._broken: list[tuple[str, str]] = []
        self._unseen: dict[str, None] = {}
        self._early: dict[str, None] = {}
        self._slowest: tuple[float, str] | None = None  # seconds, and who took them
        self._evidence: list[Evidence] = []

    def saw(self, *subjects: str) -> None:
        """They were looked at; whatever is wrong with them is said by `breaks`."""
        self._examined.update(dict.fromkeys(subjects))

    def took(self, subject: str, took_s: float) -> None:
        """It was looked at, and answered after so long; the slowest is told beside the bound."""
        self.saw(subject)
        self._slowest = max(self._slowest or (took_s, subject), (took_s, subject))

    def breaks(self, subject: str, why: str, *evidence: Evidence) -> None:
        """It was looked at, and breaks the promise."""
        self.saw(subject)
        self._broken.append((subject, why))
        self._evidence += evidence

    def unseen(self, why: object) -> None:
        """Something that had to be examined could not be: without a violation elsewhere, the whole stays unknown."""
        self._unseen[str(why)] = None

    def too_early(self, why: object) -> None:
        """As `unseen`, for the one reason that there is no longer past to look at yet."""
        self._early[str(why)] = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Whatever cannot be seen inside is unseen, and takes nothing away from what was found before and after."""
        try:
            yield
        except NoEvidence as error:
            self.unseen(error)

    @contextmanager
    def owed(self, subject: str) -> Iterator[None]:
        """What is looked for inside must be there: that it is missing breaks the promise."""
        try:
            yield
        except Missing as error:
            self.breaks(subject, str(error))

    def note(self, evidence: Evidence) -> None:
        """Evidence that is nobody's fault."""
        self._evidence.append(evidence)

    @property
    def broken(self) -> bool:
        return bool(self._broken)

    def measurement(self) -> Measurement:
        """A number of violations, or no value where nothing, or not everything, could be examined."""
        evidence = (*self._all_broken(), *self._evidence, *self._who_was_slowest(), self._all_examined())
        seen = Measurement(
            0.0,
            UNIT,
            len(self._examined),
            bad=0,
            evidence=evidence,
            slowest_s=self._slowest[0] if self._slowest else None,
        )
        if self._broken:
            bad = len({subject for subject, _ in self._broken})
            return replace(seen, value=float(len(self._broken)), bad=bad, why=self._summary())
        if self._unseen or self._early or not self._examined:
            why = "; ".join([*self._unseen, *self._early]) or f"there are no {self._what} to examine"
            return replace(seen, value=None, bad=None, why=why, young=bool(self._early) and not self._unseen)
        return seen

    def _all_broken(self) -> tuple[Evidence, ...]:
        """What the summary has no room for."""
        if len(self._broken) <= SHOWN:
            return ()
        lines = "\n".join(f"{subject}: {why}" for subject, why in self._broken)
        return (Evidence(f"{len(self._broken)} violations", lines),)

    def _who_was_slowest(self) -> tuple[Evidence, ...]:
        if self._slowest is None:
            return ()
        took_s, subject = self._slowest
        return (Evidence(f"slowest: {subject}, {figure(took_s, 's')}", ""),)

    def _all_examined(self) -> Evidence:
        return Evidence(f"{self._what} examined: {len(self._examined)}", "\n".join(self._examined))

    def _summary(self) -> str:
        named = [f"{subject}: {why}" for subject, why in self._broken[:SHOWN]]
        more = len(self._broken) - SHOWN
        return "; ".join(named + ([f"and {more} more"] if more > 0 else []))
