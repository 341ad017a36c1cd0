"""Certificate authorities of a test's own, and certificates that they sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.issuer import rsa_key


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority. The same name has the same key within one process."""

    name: str

    @property
    def pem(self) -> str:
        """Its own certificate, which a bundle of trusted ones may hold."""
        builder = self._builder(self._subject, self.name).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        return self._signed(builder.add_extension(usage, critical=True))

    def server_pem(self, hosts: Sequence[str]) -> str:
        """The key and the certificate of a server with these names, as `SSLContext.load_cert_chain` takes them."""
        key = f"{self.name}'s server"
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        certificate = self._signed(self._builder(x509.Name([]), key).add_extension(names, critical=True))
        return rsa_key(key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() + certificate

    @property
    def _subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    def _builder(self, subject: x509.Name, key: str) -> x509.CertificateBuilder:
        today, public = datetime.now(UTC), rsa_key(key).public_key()
        builder = x509.CertificateBuilder(
            self._subject, subject, public, x509.random_serial_number(), today - timedelta(1), today + timedelta(1)
        )
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(rsa_key(self.name).public_key())
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False).add_extension(ours, critical=False)

    def _signed(self, builder: x509.CertificateBuilder) -> str:
        return builder.sign(rsa_key(self.name), SHA256()).public_bytes(Encoding.PEM).decode()
