"""The door that users come to: its certificate and the versions of TLS that it speaks."""

from __future__ import annotations

from datetime import UTC, datetime

from fixtures.evidence import Missing
from fixtures.probes import tls
from fixtures.target.checks import CertificateValid, TlsVersion
from reports.verdicts import Evidence, Measurement
from scenarios.checks.registry import measures
from scenarios.surroundings import Surroundings
from scenarios.tally import Tally


@measures(CertificateValid)
def certificate_valid(check: CertificateValid, around: Surroundings) -> Measurement:
    """Trusted for the name that users type, begun, and not about to end."""
    tally = Tally("certificates")
    shown, now = tls.certificate(around.door), datetime.now(UTC)
    left_s = (shown.ends - now).total_seconds()
    dates = f"valid {shown.begins:%Y-%m-%d %H:%M} to {shown.ends:%Y-%m-%d %H:%M} UTC"
    tally.saw(str(around.door))
    tally.note(
        Evidence(f"{shown.subject}, by {shown.issuer}", f"{dates}\nfor {', '.join(shown.names) or 'no name'}")
    )
    if left_s <= 0:
        tally.breaks(str(around.door), f"the certificate expired on {shown.ends:%Y-%m-%d %H:%M} UTC")
    elif shown.begins > now:
        tally.breaks(
            str(around.door), f"the certificate is not valid before {shown.begins:%Y-%m-%d %H:%M} UTC"
        )
    elif not shown.trusted:
        tally.breaks(str(around.door), f"the certificate is not trusted for {around.door.name}: {shown.why}")
    elif left_s < check.left.amount:
        tally.breaks(
            str(around.door),
            f"the certificate ends in {left_s / 86400:.1f} days, where {check.left} must be left",
        )
    return tally.measurement()


@measures(TlsVersion)
def tls_version(check: TlsVersion, around: Surroundings) -> Measurement:
    """One handshake for each version, offering nothing else."""
    tally = Tally("versions")
    with tally.looking():
        for version in tls.VERSIONS:
            if version <= check.at_least:
                _shake_hands(tally, around, version, wanted=version == check.at_least)
    return tally.measurement()


def _shake_hands(tally: Tally, around: Surroundings, version: str, *, wanted: bool) -> None:
    try:
        result = tls.handshake(around.door, version)
    except Missing as error:  # a version that this machine cannot offer says nothing about the others
        tally.unseen(error)
        return
    tally.saw(f"TLS {version}")
    tally.note(Evidence(f"TLS {version}: {'accepted' if result.accepted else 'refused'}", result.detail))
    if wanted and not result.accepted:
        tally.breaks(f"TLS {version}", f"{around.door} refuses it: {result.detail}")
    if result.accepted and not wanted:
        tally.breaks(f"TLS {version}", f"{around.door} accepts it ({result.detail})")
