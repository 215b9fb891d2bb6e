"""One run as it ended: where it looked, what it found, what it did not get to. All artefacts are written from this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from reports.checklists import Checklist, Ticked, tick
from reports.verdicts import Finding, Verdict, overall

# Cheapest first; a stage that fails keeps the dearer ones from running.
STAGES = ("preflight", "smoke", "e2e", "load", "release", "chaos", "drills")

BRIEF = 180  # characters of a reason that still read as one sentence

WORDS = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.UNKNOWN: "INCONCLUSIVE",
    Verdict.INVALID: "INCONCLUSIVE",
}


@dataclass(frozen=True)
class Scaled:
    """Something that this environment makes shorter than the document writes it. Bounds never are."""

    what: str
    written: str
    here: str


@dataclass(frozen=True)
class Setting:
    """Whom the run looked at, where, and on what terms."""

    target: str
    environment: str
    side: str
    title: str = ""  # the target's name for people
    document: str = ""
    entry: str = ""
    pace: str = "1"
    scaled: tuple[Scaled, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)  # what the environment does not have -> why
    checklists: tuple[Checklist, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)  # shown as they are: versions, namespaces


@dataclass(frozen=True)
class NotRun:
    """A check that was asked for and not carried out."""

    test: str
    stage: str
    why: str


@dataclass(frozen=True)
class Scope:
    """How much a run was asked to look at, of all that its stages have."""

    stages: tuple[str, ...] = ()  # that it looked at, in their order
    checks: int = 0  # that were asked for
    of: int = 0  # that a whole run of the same stages has

    @property
    def part(self) -> str:
        """Empty where it is all of them."""
        return f"PARTIAL: {self.checks} of {self.of} checks" if self.checks < self.of else ""


@dataclass(frozen=True)
class Ending:
    """How pytest came to its end."""

    finished: float  # unix seconds
    exit_code: int
    cut_short: str = ""  # by what, e.g. "SIGTERM"; empty when the run came to its own end


@dataclass(frozen=True)
class Run:
    """Everything that a report says. `started` is in unix seconds."""

    id: str
    setting: Setting
    started: float
    ending: Ending
    findings: tuple[Finding, ...]
    not_run: tuple[NotRun, ...] = ()
    command: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)

    @property
    def duration_s(self) -> float:
        return self.ending.finished - self.started

    @cached_property
    def verdict(self) -> Verdict:
        """The worst of what gates. What did not run, or was cut short, is no success."""
        found = overall(self.findings)
        incomplete = self.not_run or self.ending.cut_short
        return Verdict.worst([found, Verdict.UNKNOWN]) if incomplete else found

    @property
    def word(self) -> str:
        return WORDS[self.verdict]

    @property
    def stages_left(self) -> tuple[str, ...]:
        """Those that were asked for, and of which nothing ran."""
        left = {one.stage for one in self.not_run} - set(self.scope.stages)
        return tuple(sorted(left, key=lambda stage: (*STAGES, stage).index(stage)))

    @property
    def banner(self) -> str:
        """The word, and beside it that it is about a part, where it is: nobody may take that for the gate's."""
        return f"{self.word}, {self.scope.part}" if self.scope.part else self.word

    @property
    def promotes(self) -> bool:
        """Whether this is a gate's pass: of whole stages."""
        return self.verdict is Verdict.PASS and not self.scope.part

    @cached_property
    def gating(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.gates)

    @cached_property
    def failures(self) -> tuple[Finding, ...]:
        """What failed and gates, in the order in which it happened."""
        return self._gating_with(Verdict.FAIL)

    @cached_property
    def undecided(self) -> tuple[Finding, ...]:
        return self._gating_with(Verdict.UNKNOWN, Verdict.INVALID)

    @cached_property
    def missed(self) -> tuple[Finding, ...]:
        """Should-objectives that did not hold: worth reading, no reason to stop."""
        found = (one for one in self.findings if not one.must and not one.absent)
        return tuple(one for one in found if one.verdict is not Verdict.PASS)

    @cached_property
    def absent(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.absent)

    @cached_property
    def pages(self) -> dict[str, str]:
        """Pages of their own that lie beside this one, and what they are about."""
        pieces = (piece for one in self.findings for piece in one.measurement.evidence)
        return {
            piece.text: piece.title
            for piece in pieces
            if piece.kind == "file" and piece.text.endswith(".html")
        }

    @cached_property
    def unverifiable(self) -> dict[str, list[str]]:
        """Each reason why something cannot be verified here, and what it keeps from being verified."""
        found: dict[str, list[str]] = {why: [] for why in self.setting.absent.values()}
        for one in self.absent:
            found.setdefault(one.absent, []).append(headline(one))
        return found

    @cached_property
    def ticked(self) -> tuple[Ticked, ...]:
        return tuple(tick(checklist, self.findings) for checklist in self.setting.checklists)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings gate, by verdict; then what does not gate."""
        verdicts = Counter(one.verdict for one in self.gating)
        return {verdict.value: verdicts[verdict] for verdict in Verdict} | {
            "should_missed": len(self.missed),
            "absent": len(self.absent),
            "not_run": len(self.not_run),
        }

    @cached_property
    def reason(self) -> str:
        """The verdict in one sentence."""
        if self.failures:
            first, others = self.failures[0], len(self.failures) - 1
            return _told(first) + (f"; {others} more failed" if others else "")
        if self.ending.cut_short:
            left = f", with {count(len(self.not_run), 'check')} not carried out" if self.not_run else ""
            return f"The run was cut short by {self.ending.cut_short}{left}."
        if self.undecided:
            first, judged = self.undecided[0], len(self.gating)
            return (
                f"Nothing failed, but {len(self.undecided)} of {judged} could not be judged. "
                f"First, {_told(first)}"
            )
        if not self.gating:
            return "Nothing was judged, and no evidence is not success."
        if self.not_run:
            return (
                f"Nothing failed, but {count(len(self.not_run), 'check')} did not run: {self.not_run[0].why}."
            )
        where = (
            f"on {self.setting.side} of {self.setting.title or self.setting.target} in "
            f"{self.setting.environment}"
        )
        if self.scope.part:
            return (
                f"The {count(len(self.gating), 'must-objective')} looked at hold {where}, but these are "
                f"{self.scope.checks} of {count(self.scope.of, 'check')}, and a part is no gate."
            )
        return f"All {len(self.gating)} must-objectives hold {where}."

    def _gating_with(self, *verdicts: Verdict) -> tuple[Finding, ...]:
        return tuple(sorted((one for one in self.gating if one.verdict in verdicts), key=lambda one: one.at))


def headline(finding: Finding) -> str:
    """What it is about, in few words: the objective, and the one it was judged on."""
    return f"{finding.title} ({finding.subject})" if finding.subject else finding.title


def brief(reason: str) -> str:
    """The beginning of a long reason, up to where a clause or at least a word ends; all of it stands further down."""
    text = " ".join(reason.split())
    if len(text) <= BRIEF:
        return text
    begun = text[:BRIEF]
    clause = begun.rfind("; ")
    return begun[: clause if clause > BRIEF // 3 else begun.rfind(" ")].rstrip(" ;,.") + " …"


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def by_stage(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """In the order in which stages run; stages of one's own come last."""
    known = {stage: index for index, stage in enumerate(STAGES)}
    stages = sorted({one.stage for one in findings}, key=lambda stage: (known.get(stage, len(STAGES)), stage))
    return {stage: [one for one in findings if one.stage == stage] for stage in stages}


def run_id(started: float, looked_at: str, nonce: str) -> str:
    """Names the run's folder, so that folders sort by time: `20250531T090000Z-hwayo-lab-1a2b3c`."""
    return f"{datetime.fromtimestamp(started, UTC):%Y%m%dT%H%M%SZ}-{looked_at}-{nonce}"


def _told(finding: Finding) -> str:
    """What it is about and why, each once: where one thing was looked at, the reason begins with its name."""
    about, reason = headline(finding), brief(finding.reason)
    return reason if reason.startswith(f"{about}: ") else f"{about}: {reason}"
