"""Secrets in text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.transport.redaction import redact

BASE64URL = st.text(alphabet=string.ascii_letters + string.digits + "-_", min_size=12, max_size=60)
SECRET = st.text(alphabet=string.ascii_letters + string.digits + "~.-_", min_size=12, max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [hidden]"),
        ("client_secret=s3cr3t~Value&grant_type=x", "client_secret=[hidden]&grant_type=x"),
        (
            '{"refresh_token": "0.AXoA-something", "expires_in": 3600}',
            '{"refresh_token": "[hidden]", "expires_in": 3600}',
        ),
        ("password: hunter2000", "password: [hidden]"),
        (
            "https://x.blob.core.windows.net/log?sv=1&sig=abc%3D",
            "https://x.blob.core.windows.net/log?sv=1&sig=[hidden]",
        ),
        ("nothing to hide here", "nothing to hide here"),
        ("the bearer of bad news", "the bearer of bad news"),
    ],
)
def test_known_shapes_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


@given(secret=SECRET, before=st.text(max_size=20), after=st.text(max_size=20))
def test_secret_of_the_environment_never_survives(secret: str, before: str, after: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_CLIENT_SECRET", secret)
        assert secret not in redact(f"{before}{secret}{after}")


@given(payload=BASE64URL, signature=BASE64URL)
def test_jwt_never_survives(payload: str, signature: str) -> None:
    token = f"eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}"
    assert token not in redact(f"token was {token} indeed")


def test_short_values_do_not_garble_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "map")
    assert redact("the map is running") == "the map is running"
