"""Carries out the steps of a runbook in their order: each timed, each proven, each able to fail the drill.

A step ends in one of three ways: it hands back what proves it (PASS, or FAIL where it took longer than its budget), it
raises (FAIL), or it was not carried out (UNKNOWN: nobody knows how to, no proof, or an earlier step failed).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from fixtures.target.drills import Step
from reports.drills.record import StepDone
from reports.verdicts import Verdict

Act = Callable[[], str]  # what proves that it was done, for people; raises where it could not be done


class Person(Protocol):
    """Whoever carries out what no program may."""

    def ask(self, _: Step, /) -> str | None:
        """Their answer, or None where there is nobody to ask."""
        ...


class Nobody:
    """--unattended: steps that need a person fail."""

    def ask(self, _: Step, /) -> str | None:
        return None


class AtTheTerminal:
    """Asks on the terminal and takes one line."""

    def __init__(self, read: Callable[[str], str] = input) -> None:
        self._read = read

    def ask(self, step: Step, /) -> str | None:
        try:
            return self._read(f"{step.title}: {step.prompt} ").strip() or None
        except EOFError:
            return None


def carry_out(steps: Sequence[Step], acts: Mapping[str, Act], person: Person) -> list[StepDone]:
    """Every step has its entry, whatever became of it. Only what must be done `anyway` is tried after a failure."""
    done: list[StepDone] = []
    failed = ""
    for step in steps:
        if failed and not step.anyway:
            why = f"not carried out: {failed} had failed"
            done.append(_entry(step, time.time(), 0.0, (Verdict.UNKNOWN, why)))
            continue
        done.append(_carried_out(step, acts.get(step.name), person))
        if done[-1].verdict is not Verdict.PASS:
            failed = failed or step.title
    return done


def _carried_out(step: Step, act: Act | None, person: Person) -> StepDone:
    at_s, begun = time.time(), time.monotonic()
    try:
        judged = _asked(step, person) if step.by == "person" else _acted(act)
    except Exception as error:  # noqa: BLE001 - whatever stops a step fails it
        judged = Verdict.FAIL, f"{type(error).__name__}: {error}"
    took_s = time.monotonic() - begun
    budget = step.budget
    if judged[0] is Verdict.PASS and budget is not None and took_s > budget.seconds:
        judged = Verdict.FAIL, f"took {took_s:.1f} s, allowed are {budget}; {judged[1]}"
    return _entry(step, at_s, took_s, judged)


def _acted(act: Act | None) -> tuple[Verdict, str]:
    if act is None:
        return Verdict.UNKNOWN, "skipped: nobody has written down how it is carried out"
    proof = act()
    return (Verdict.PASS, proof) if proof else (Verdict.UNKNOWN, "skipped: nothing proves that it was done")


def _asked(step: Step, person: Person) -> tuple[Verdict, str]:
    answer = person.ask(step)
    if answer is None:
        return Verdict.FAIL, "it needs a person, and nobody answered"
    return Verdict.PASS, answer


def _entry(step: Step, at_s: float, took_s: float, judged: tuple[Verdict, str]) -> StepDone:
    return StepDone(
        name=step.name,
        title=step.title,
        by=step.by,
        owner=step.owner or "",
        at_s=at_s,
        took_s=took_s,
        budget_s=step.budget.seconds if step.budget else None,
        verdict=judged[0],
        said=judged[1],
    )
