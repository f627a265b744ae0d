"""A certificate authority of our own, which vouches for WhatsApp's host names to clients that are told to trust it."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: The hosts this WhatsApp answers for. Nothing is ever forwarded to the real ones.
HOST_SUFFIXES = (".whatsapp.com", ".whatsapp.net")

_NAMES = ("*.whatsapp.com", "*.whatsapp.net", "whatsapp.com", "whatsapp.net")
_AUTHORITY_NAME = "wagate sandbox authority"
_DAY = datetime.timedelta(days=1)
_AUTHORITY_DAYS = 3650
_LEAF_DAYS = 800  # clients refuse longer ones


class Authority:
    """The authority's certificate and key, kept in a folder, and certificates it issues at every start."""

    def __init__(self, folder: Path) -> None:
        self.certificate_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        self._leaf_file = folder / "tls.pem"
        if not (self.certificate_file.exists() and self._key_file.exists()):
            self._create()

    def server_context(self) -> ssl.SSLContext:
        """A TLS context that shows a freshly issued certificate for WhatsApp's hosts."""
        self._issue()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._leaf_file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(_AUTHORITY_NAME)
        certificate = (
            _builder(name, name, key.public_key(), _AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_signing_usage(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(self._key_file, _private_pem(key))
        _write(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM))

    def _issue(self) -> None:
        authority_key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{self._key_file} is not an elliptic-curve key")
        authority = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name) for name in _NAMES])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        leaf = (
            _builder(_name("web.whatsapp.com"), authority.subject, key.public_key(), _LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .add_extension(usage, critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        _write(self._leaf_file, leaf.public_bytes(serialization.Encoding.PEM) + _private_pem(key))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _signing_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
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


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(content)
