"""The tenant's certificate authority, kept in the state folder: a client that trusts it once trusts it for good."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Signs a server certificate for every host that is asked for; those live in memory only."""

    def __init__(self, authority: trustme.CA) -> None:
        """Sign with this CA."""
        self._authority = authority
        self._contexts: dict[str, ssl.SSLContext] = {}

    @classmethod
    def kept_in(cls, certificate: Path, key: Path) -> "Authority":
        """Load the CA from two PEM files, which are made when one is not there."""
        if certificate.exists() and key.exists():
            return cls(trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes()))
        authority = trustme.CA(organization_name="Dual-write emulator")
        key.touch(mode=0o600)
        key.write_bytes(authority.private_key_pem.bytes())
        certificate.write_bytes(authority.cert_pem.bytes())
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
