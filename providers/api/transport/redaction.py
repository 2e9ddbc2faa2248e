"""Removes credentials from any text that is about to be shown or logged."""

import os
import re

HIDDEN = "[hidden]"
SECRET_VARIABLES = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "DUALWRITE_TOKEN",
    "DUALWRITE_REFRESH_TOKEN",
    "DUALWRITE_PROVE_CLIENT_SECRET",
)
# A secret shorter than this is too likely to be an ordinary word to be replaced everywhere.
SHORTEST_SECRET = 6

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.{1,2}[A-Za-z0-9_-]+){1,4}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{6,}")
_NAMED = re.compile(
    r"(?i)(\"?\b(?:access_token|accesstoken|refresh_token|id_token|client_secret|client_assertion|assertion|password"
    r"|sharedaccesssignature|sig)\"?\s*[=:]\s*\"?)([^\s\"&,;}]+)"
)


def redact(text: str) -> str:
    """`text` without bearer tokens, JWTs, values of secret form fields and the secrets of the environment."""
    for name in SECRET_VARIABLES:
        value = os.environ.get(name, "")
        if len(value) >= SHORTEST_SECRET:
            text = text.replace(value, HIDDEN)
    text = _JWT.sub(HIDDEN, text)
    text = _BEARER.sub(rf"\1\2{HIDDEN}", text)
    return _NAMED.sub(rf"\1{HIDDEN}", text)
