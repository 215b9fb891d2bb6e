"""What a drill measured, against its targets, in the form that its record keeps."""

from __future__ import annotations

from fixtures import objectives
from fixtures.target.bounds import Bound
from fixtures.target.drills import Drill
from reports.drills.record import Judged
from reports.verdicts import Measurement, Verdict
from scenarios.drills.recovery import Recovery
from scenarios.drills.truth import Truth

INTEGRITY = Bound.read("integrity >= 100%")


def figures(drill: Drill, measured: Recovery, bit: str) -> list[Judged]:
    found = [_bitten(bit), judged("integrity", "資料完整性", INTEGRITY, measured.integrity())]
    if drill.rto is not None:
        found.append(_rto(Bound.read(f"rto <= {drill.rto}"), measured))
    if drill.rpo is not None:
        found.append(judged("rpo", "RPO", Bound.read(f"rpo <= {drill.rpo}"), measured.rpo()))
    return found


def judged(name: str, title: str, bound: Bound, seen: Measurement) -> Judged:
    verdict, reason = objectives.assess(bound, seen)
    said = f"{reason}; {seen.why}" if seen.why and seen.why not in reason else reason
    return Judged(name, title, bound.text, seen.value, seen.unit, seen.samples, verdict, said)


def losses(truth: Truth) -> tuple[str, ...]:
    """Each acknowledged write that is gone, and whatever else is wrong with the data."""
    onset_s = truth.cut.onset_s
    gone = (f"{one.key} (id {one.id}), acknowledged {_before(one.answered_s, onset_s)}" for one in truth.lost)
    return (*gone, *truth.offences)


def _rto(bound: Bound, measured: Recovery) -> Judged:
    """Not to have come back is beyond every bound."""
    seen = measured.rto()
    if measured.rto_s is None and not seen.invalid:
        return Judged("rto", "RTO", bound.text, None, "s", measured.probes, Verdict.FAIL, seen.why)
    return judged("rto", "RTO", bound, seen)


def _bitten(bit: str) -> Judged:
    verdict, reason = (
        (Verdict.PASS, bit) if bit else (Verdict.INVALID, "nothing shows that the disaster happened")
    )
    return Judged("disaster", "災難確實發生", "seen", None, "", int(bool(bit)), verdict, reason)


def _before(at_s: float | None, onset_s: float) -> str:
    assert at_s is not None
    apart_s = onset_s - at_s
    return f"{abs(apart_s):.2f} s {'before' if apart_s >= 0 else 'after'} the onset"
