"""Certificates and keys as a deployment's operator makes them with openssl and ssh-keygen."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Tls:
    """Paths of PEM files: the authority's certificate, the server's, and its key."""

    ca: str
    certificate: str
    key: str


def tls(folder: Path) -> Tls:
    """For a server at 127.0.0.1."""
    folder.mkdir()
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    here = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    own_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    ca = (
        _builder(name, name, authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .add_extension(_usage(signs=True), critical=True)
        .sign(authority, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _builder(here, name, server)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(own_key, critical=False)
        .add_extension(_usage(signs=False), critical=True)
        .sign(authority, hashes.SHA256())
    )
    for file, data in (
        ("ca.crt", ca.public_bytes(Encoding.PEM)),
        ("server.pem", certificate.public_bytes(Encoding.PEM)),
        ("server.key", server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
    ):
        (folder / file).write_bytes(data)
    return Tls(str(folder / "ca.crt"), str(folder / "server.pem"), str(folder / "server.key"))


def node_key(path: Path) -> Path:
    """A SuperNode's private key at `path`, its public half at `path.pub`, both in OpenSSH's format."""
    key = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    path.with_name(f"{path.name}.pub").write_bytes(public + b"\n")
    return path


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
