"""The command in DUALWRITE_TOKEN_COMMAND, and what a token looks like. Its output is never shown and never logged."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress

from providers.api.identity.dual_write_sources import TOKEN_COMMAND
from providers.api.transport import stopping
from providers.api.transport.errors import AuthenticationError
from providers.api.transport.limits import STOP_CHECK_SECONDS

COMMAND_SECONDS = 120.0
_SHELL_ONLY = frozenset({"|", "||", "&&", "&", ";", ">", ">>", "<", "2>", "2>&1"})
_TOKEN = re.compile(r"[\x21-\x7e]+")
_SCHEME = re.compile(r"(?i)bearer\s+")
_QUOTES = ("'", '"', "`")


def command_words(text: str) -> list[str]:
    """The program and its arguments. Raises `AuthenticationError` for what only a shell would understand."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise _wrong("has a quote that is not closed") from None
    if not words:
        raise _wrong("is empty")
    if _SHELL_ONLY & set(words):
        raise _wrong("needs a shell, and none is used", "Write `sh -c '...'` around it.")
    return words


def printed_by(words: list[str]) -> str:
    """What the command prints. Raises `AuthenticationError`; `Interrupted` at the signal to stop."""
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise _wrong(f"names a program that is not there, {words[0]}") from None
    except OSError as error:
        raise _wrong(f"could not be started: {type(error).__name__}") from None
    output = _output(process)
    if process.returncode:
        raise _wrong(
            f"ended with {process.returncode}", "Run it in a shell to see what it says; its output is not shown here."
        )
    try:
        return output.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("printed bytes that are not UTF-8") from None


def _output(process: "subprocess.Popen[bytes]") -> bytes:
    end = time.monotonic() + COMMAND_SECONDS
    try:
        while True:
            try:
                return process.communicate(timeout=STOP_CHECK_SECONDS)[0]
            except subprocess.TimeoutExpired:
                stopping.check()
                if time.monotonic() >= end:
                    raise _wrong(f"did not end within {COMMAND_SECONDS:.0f} s") from None
    finally:
        if process.poll() is None:
            # With what it has started: it may hold the pipe open.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def token_of(output: str) -> tuple[str, Mapping[str, object]]:
    """The token in an output, bare or in JSON, and the JSON. Raises `AuthenticationError` that names what is wrong."""
    text = output.strip().removeprefix("\ufeff").strip()
    if not text:
        raise _wrong("printed nothing")
    body: Mapping[str, object] = {}
    if text.startswith("{"):
        body = _object(text)
        text = _member(body)
    token = cleaned_token(text)
    if token is None:
        lines = "several lines" if len(text.splitlines()) > 1 else "something that is no token"
        raise _wrong(f"printed {lines}")
    return token, body


def _member(body: Mapping[str, object]) -> str:
    """The token in the JSON of a command."""
    token = next((body[name] for name in ("access_token", "accessToken", "token") if body.get(name)), None)
    if not isinstance(token, str):
        raise _wrong("printed JSON without a token (access_token, accessToken or token)")
    return token


def cleaned_token(text: str) -> str | None:
    """A token without the quotes, the BOM, the space and the word Bearer around it; None when it is none."""
    before = None
    while before != text:
        before = text
        text = _SCHEME.sub("", text.strip().strip("\ufeff").strip(), count=1) if _SCHEME.match(text.strip()) else text
        text = _unquoted(text.strip().strip("\ufeff").strip())
    return text if _TOKEN.fullmatch(text) else None


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES
    return text[1:-1] if quoted else text


def _object(text: str) -> Mapping[str, object]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("printed JSON that is cut off or broken") from None
    return parsed if isinstance(parsed, dict) else {}


def _wrong(what: str, next_step: str = "It has to print one token, bare or as JSON, and nothing else.") -> Exception:
    return AuthenticationError(f"the command in {TOKEN_COMMAND} {what}", next_step=next_step, service="identity")
