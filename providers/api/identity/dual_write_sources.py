"""Where a delegated dual-write token comes from: variables of the environment (management API section 1)."""

import os

TOKEN = "DUALWRITE_TOKEN"  # noqa: S105 - a variable's name
REFRESH_TOKEN = "DUALWRITE_REFRESH_TOKEN"  # noqa: S105 - a variable's name
TOKEN_COMMAND = "DUALWRITE_TOKEN_COMMAND"  # noqa: S105 - a variable's name
HOW_TO_GET_ONE = (
    f"Set {TOKEN}, {REFRESH_TOKEN} or {TOKEN_COMMAND}; "
    "refresh tokens live 24 hours at most, so pipelines use the command."
)


def dual_write_token_configured() -> bool:
    """Whether the environment names any source of a delegated dual-write token."""
    return any(os.environ.get(name) for name in (TOKEN, REFRESH_TOKEN, TOKEN_COMMAND))
