"""The user's environment variables: refused where they are set and empty, completed for what runs on this machine."""

from collections.abc import Mapping

from tools.exit_codes import UserError

# A fork's pull request gets every secret and variable of its pipeline as an empty text: that is no choice of anybody.
NEVER_EMPTY = ("PULUMI_", "AZURE_", "DUALWRITE_")
# The CLI (v3.259.0, v3.274.1) takes an empty one as the passphrase, before any file; without a text in its name it
# takes the file's variable as not set.
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
PASSPHRASE_FILE = f"{PASSPHRASE}_FILE"
BACKEND = "PULUMI_BACKEND_URL"
# gRPC, which engine and providers talk with, reads the lower-case spelling alone, and then sends its calls of this
# machine to the proxy.
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
EXCEPTIONS = ("no_proxy", "NO_PROXY")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _is_ours(name: str) -> bool:
    """Whether a variable must not be empty; the passphrase may."""
    return name.startswith(NEVER_EMPTY) and name != PASSPHRASE


def refuse_empty(given: Mapping[str, str]) -> None:
    """Refuse variables of Pulumi, azure-identity and this project that are set to nothing, all of them by name."""
    empty = sorted(name for name, value in given.items() if _is_ours(name) and not value.strip())
    if empty:
        stand = "is set but empty" if len(empty) == 1 else "are set but empty"
        raise UserError(f"{', '.join(empty)} {stand}: give a value or unset it. Nothing was run.")


def has_passphrase(given: Mapping[str, str]) -> bool:
    """Whether the user named a passphrase, of which an explicit empty one is one."""
    return PASSPHRASE in given or bool(given.get(PASSPHRASE_FILE))


def loopback_exceptions(given: Mapping[str, str]) -> dict[str, str]:
    """The exceptions from the user's proxy, in both spellings and with this machine; nothing without a proxy."""
    if not any(given.get(name) or given.get(name.upper()) for name in PROXIES):
        return {}
    lower, upper = (given.get(name, "") for name in EXCEPTIONS)
    return {"no_proxy": _with_loopback(lower or upper), "NO_PROXY": _with_loopback(upper or lower)}


def _with_loopback(exceptions: str) -> str:
    """`*` is everything already, and only alone."""
    names = [name.strip() for name in exceptions.split(",") if name.strip()]
    return exceptions if names == ["*"] else ",".join([*names, *(name for name in LOOPBACK if name not in names)])
