"""The tenant's certificate authority, kept in the state folder: a client that trusts it once trusts it for good."""

import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from emulator.core.files import BrokenFileError, write_private


class Authority:
    """Signs a server certificate for every host that is asked for; those live in memory only."""

    def __init__(self, authority: trustme.CA) -> None:
        """Sign with this CA."""
        self._authority = authority
        self._contexts: dict[str, ssl.SSLContext] = {}

    @classmethod
    def kept_in(cls, certificate: Path, key: Path) -> "Authority":
        """Load the CA from two PEM files, which are made when one is not there; BrokenFileError when they are none."""
        if certificate.exists() and key.exists():
            return cls(_load(certificate, key))
        authority = trustme.CA(organization_name="Dual-write emulator")
        write_private(key, authority.private_key_pem.bytes())
        write_private(certificate, authority.cert_pem.bytes())
        return cls(authority)

    def context(self, host: str) -> ssl.SSLContext:
        """Return the server side of TLS under this host name."""
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            self._authority.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return self._contexts[host]


def _load(certificate: Path, key: Path) -> trustme.CA:
    """The CA of two files that belong together."""
    try:
        signed = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
        own = load_pem_private_key(key.read_bytes(), password=None).public_key()
        if _bytes(signed) == _bytes(own):
            return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise BrokenFileError(
        f"{certificate} and {key.name} beside it are no certificate with its key: remove both, and new ones are made;"
        " what trusted the old one has to take the new one."
    )


def _bytes(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
