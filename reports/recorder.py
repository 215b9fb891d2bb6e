"""Collects what a run finds while it runs. What goes in comes out redacted, also by what became known later."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from reports.run import Ending, NotRun, Run, Scaled, Scope, Setting
from reports.verdicts import Evidence, Finding

Redact = Callable[[str], str]


class Recorder:
    """One run's findings, in the order in which they were made."""

    def __init__(
        self, run_id: str, setting: Setting, started: float, redact: Redact = lambda text: text
    ) -> None:
        self.id = run_id
        self.setting = setting  # replaced when the environment says more of itself
        self.started = started
        self.findings: list[Finding] = []
        self._redact = redact

    def add(self, finding: Finding) -> Finding:
        """Keep it; what comes back is what was kept."""
        kept = hidden(finding, self._redact)
        self.findings.append(kept)
        return kept

    def scaled(self, what: str, written: str, here: str) -> None:
        """Note that something was watched for less time than the document writes: `15m` became `15s`."""
        scaled = Scaled(what, written, here)
        if scaled not in self.setting.scaled:
            self.setting = dataclasses.replace(self.setting, scaled=(*self.setting.scaled, scaled))

    def of(self, test: str) -> list[Finding]:
        """What that test, by its node id, found so far."""
        return [finding for finding in self.findings if finding.test == test]

    def run(self, ending: Ending, not_run: Iterable[NotRun], command: Iterable[str], scope: Scope) -> Run:
        """All of it, as the run ended."""
        redact = self._redact
        return Run(
            id=self.id,
            setting=_setting(self.setting, redact),
            started=self.started,
            ending=dataclasses.replace(ending, cut_short=redact(ending.cut_short)),
            findings=tuple(hidden(finding, redact) for finding in self.findings),
            not_run=tuple(
                dataclasses.replace(one, test=redact(one.test), why=redact(one.why)) for one in not_run
            ),
            command=tuple(map(redact, command)),
            scope=scope,
        )


def hidden(finding: Finding, redact: Redact) -> Finding:
    """The finding without secrets. Pictures stay as they are: in binary, a short secret is found by chance."""
    seen = finding.measurement
    return dataclasses.replace(
        finding,
        title=redact(finding.title),
        bound=redact(finding.bound),
        reason=redact(finding.reason),
        subject=redact(finding.subject),
        absent=redact(finding.absent),
        test=redact(finding.test),
        measurement=dataclasses.replace(
            seen,
            why=redact(seen.why),
            invalid=redact(seen.invalid),
            evidence=tuple(_evidence(one, redact) for one in seen.evidence),
        ),
    )


def _evidence(evidence: Evidence, redact: Redact) -> Evidence:
    text = evidence.text if evidence.kind == "image" else redact(evidence.text)
    return dataclasses.replace(evidence, title=redact(evidence.title), text=text)


def _setting(setting: Setting, redact: Redact) -> Setting:
    return dataclasses.replace(
        setting,
        entry=redact(setting.entry),
        facts={name: redact(value) for name, value in setting.facts.items()},
        absent={name: redact(why) for name, why in setting.absent.items()},
        scaled=tuple(
            Scaled(redact(one.what), redact(one.written), redact(one.here)) for one in setting.scaled
        ),
    )
