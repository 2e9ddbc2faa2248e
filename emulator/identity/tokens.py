"""RS256 tokens: the key, what is signed and how it is checked."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.core.clock import Clock
from emulator.core.files import BrokenFileError, write_private
from emulator.core.store import Store
from emulator.core.wire import Caller
from emulator.identity.directory import AUTHORITY_HOST, TENANT_ID, Application, Directory, User

LIFETIME = timedelta(seconds=3599)


class TokenError(Exception):
    """A bearer that is not accepted; the text says why, without repeating it."""


class SigningKey:
    """The tenant's RSA key. It is kept in the state folder, so that tokens outlive a restart and a reset."""

    def __init__(self, private_key: rsa.RSAPrivateKey) -> None:
        """Derive the key id from the public half."""
        self.private_key = private_key
        self.public_key = private_key.public_key()
        modulus = str(self.public_key.public_numbers().n)
        self.key_id = hashlib.sha256(modulus.encode()).hexdigest()[:27]

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def kept_in(cls, path: Path) -> "SigningKey":
        """Load the key from a PEM file, which is made when it is not there; BrokenFileError when it holds none."""
        if path.exists():
            return cls(_load(path))
        key = cls.generate()
        encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        write_private(path, key.private_key.private_bytes(*encoding))
        return key

    def public_jwk(self) -> dict[str, Any]:
        """Return the public key as one entry of a JWKS document."""
        entry = jwt.algorithms.RSAAlgorithm.to_jwk(self.public_key, as_dict=True)
        return {**entry, "use": "sig", "kid": self.key_id, "x5t": self.key_id}


def _load(path: Path) -> rsa.RSAPrivateKey:
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise BrokenFileError(f"{path} holds no RSA key: remove it, and a new one is made; sign in again then.")
    return loaded


class Identity:
    """Issues and verifies the tenant's tokens. Life times follow the real clock."""

    def __init__(self, store: Store, clock: Clock, key: SigningKey, tenant_id: str = TENANT_ID) -> None:
        """Bind directory, clock and key."""
        self.directory = Directory(store)
        self.key = key
        self.tenant_id = tenant_id
        self._issuers = {
            "1.0": f"https://sts.windows.net/{tenant_id}/",
            "2.0": f"https://{AUTHORITY_HOST}/{tenant_id}/v2.0",
        }
        self._clock = clock
        self._verified: dict[str, dict[str, Any]] = {}

    def application_token(
        self, app: Application, audience: str, *, version: str = "1.0", lifetime: timedelta = LIFETIME
    ) -> str:
        """Return an app-only access token."""
        claims = {"appid": app.app_id, "azp": app.app_id, "oid": app.object_id, "sub": app.object_id, "idtyp": "app"}
        return self._sign({**claims, "app_displayname": app.name}, audience, version, lifetime)

    def user_token(
        self,
        user: User,
        audience: str,
        *,
        client_id: str,
        scopes: str = "user_impersonation",
        version: str = "1.0",
        lifetime: timedelta = LIFETIME,
    ) -> str:
        """Return a delegated access token."""
        subject = str(uuid5(NAMESPACE_URL, f"{user.object_id}/{client_id}"))
        claims = {"appid": client_id, "azp": client_id, "oid": user.object_id, "sub": subject, "scp": scopes}
        named = {"upn": user.upn, "unique_name": user.upn, "preferred_username": user.upn, "name": user.name}
        return self._sign({**claims, **named, "idtyp": "user"}, audience, version, lifetime)

    def id_token(self, user: User, client_id: str) -> str:
        """Return the id token that goes with a delegated access token."""
        claims = {"oid": user.object_id, "sub": user.object_id, "preferred_username": user.upn, "name": user.name}
        return self._sign(claims, client_id, "2.0", LIFETIME)

    def _sign(self, claims: Mapping[str, Any], audience: str, version: str, lifetime: timedelta) -> str:
        now = self._clock.real_now()
        times = {"iat": now, "nbf": now, "exp": now + lifetime}
        issuer = self._issuers[version]
        about = {"aud": audience, "iss": issuer, "tid": self.tenant_id, "ver": version, "uti": uuid4().hex}
        return jwt.encode({**about, **times, **claims}, self.key.private_key, "RS256", headers={"kid": self.key.key_id})

    def verify(self, token: str, audiences: set[str]) -> Caller:
        """Return who the bearer stands for; TokenError when signature, expiry, issuer or audience are wrong."""
        claims = self._claims(token)
        if claims["exp"] <= self._clock.real_now().timestamp():
            msg = "The token has expired."
            raise TokenError(msg)
        audience = str(claims["aud"])
        if _bare(audience) not in {_bare(accepted) for accepted in audiences}:
            msg = f"The audience '{audience}' is not valid here."
            raise TokenError(msg)
        name = claims.get("upn") or claims.get("app_displayname") or claims["appid"]
        return Caller(claims["appid"], claims.get("upn"), claims["oid"], audience, name)

    def _claims(self, token: str) -> dict[str, Any]:
        # The signature of one bearer is checked once; a client sends the same one thousands of times.
        if token not in self._verified:
            if len(self._verified) > 1000:
                self._verified.clear()
            try:
                self._verified[token] = jwt.decode(
                    token,
                    self.key.public_key,
                    algorithms=["RS256"],
                    issuer=list(self._issuers.values()),
                    options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
                )
            except jwt.PyJWTError as error:
                msg = f"The token is not valid: {type(error).__name__}."
                raise TokenError(msg) from None
        return self._verified[token]


def _bare(audience: str) -> str:
    return audience.rstrip("/").lower()
