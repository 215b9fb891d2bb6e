"""A certificate that has ended, at the door that is one side's own. Nobody's key is read: another pair is made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fixtures.evidence import Missing, NoEvidence
from fixtures.platforms.changes import Json, Ref
from fixtures.probes import tls
from fixtures.target.faults import CertificateExpired
from scenarios.faults.acts import Edit, Make
from scenarios.faults.asking import own_entry
from scenarios.faults.healing import EXPIRED
from scenarios.faults.radius import Plan
from scenarios.faults.registry import Declared, Right, puts_in
from scenarios.faults.service import OfService

KIND = "Gateway"
LASTED, ENDED = timedelta(days=90), timedelta(days=1)


@puts_in(
    CertificateExpired,
    Declared(
        touches="the name of the certificate in the side's own Gateway, and a Secret more: one made now, out of date",
        seen_by="a handshake at the side's own door, which is shown a certificate that has ended",
        heals="the name that the Gateway had; the Secret is removed. No other secret is read, changed or removed",
        needs="Istio, a Gateway in the side's namespace whose pods look for certificates there, and `own_entry`",
        rights=(
            Right(KIND, ("update",)),
            Right("Secret", ("create",)),
            Right("Secret", ("delete",), names=(EXPIRED,)),
        ),
    ),
)
class Expired(OfService[CertificateExpired]):
    """Only an authority could sign it: who verifies is told first that nobody known has, and not that it has ended."""

    _shown: tls.Certificate | None = None

    def plan(self) -> Plan:
        pods = self.remember()
        gateway, at = self._gateway()
        shown = self._shown = tls.certificate(self.door)
        body = {"type": "kubernetes.io/tls", "stringData": ended(shown.names)}
        acts = (
            Make(Ref("Secret", self.namespace, EXPIRED), body),
            Edit.plan(KIND, gateway, (("spec", "servers", at, "tls", "credentialName"), EXPIRED)),
        )
        return Plan(acts, self.victims(pods), len(pods))

    @property
    def door(self) -> tls.Door:
        return tls.Door.of(own_entry(self.around), ca=self.around.ca)

    def _gateway(self) -> tuple[Json, int]:
        """And which of its servers has a certificate."""
        ref = Ref(KIND, self.namespace, self.order.gateway)
        found = self.objects.read_object(ref)
        for at, server in enumerate((found or {}).get("spec", {}).get("servers") or ()):
            if found and (server.get("tls") or {}).get("credentialName"):
                return found, at
        raise Missing(f"there is no {ref} with a certificate")

    def effect(self) -> str:
        shown = tls.certificate(self.door)
        if shown.ends >= datetime.now(UTC):
            return ""
        return f"{self.door} shows a certificate that ended {shown.ends:%Y-%m-%d %H:%M} UTC: {shown.why}"

    def is_over(self) -> bool:
        try:
            return tls.certificate(self.door) == self._shown and super().is_over()
        except NoEvidence:
            return False


def ended(names: tuple[str, ...]) -> dict[str, str]:
    """A certificate for those names that ended yesterday, signed by nobody else, and its key: of a secret, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EXPIRED)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LASTED)
        .not_valid_after(now - ENDED)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"tls.crt": made.public_bytes(serialization.Encoding.PEM).decode(), "tls.key": written.decode()}
