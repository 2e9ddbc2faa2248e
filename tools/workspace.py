"""Where this clone keeps things, what a stack file says about its cloud, and the variables the Pulumi CLI runs with."""

import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from tools.backend import folder_of
from tools.exit_codes import UserError as UserError  # where the commands look for it
from tools.stack_file import StackFile, StackFileError, read
from tools.variables import BACKEND, PASSPHRASE, PASSPHRASE_FILE, has_passphrase, loopback_exceptions

ROOT = Path(__file__).resolve().parent.parent
PRIVATE = ROOT / ".dualwrite"
EMULATOR_STATE = PRIVATE / "emulator"
STACKS = ROOT / "stacks"
PULUMI_STATE = PRIVATE / "state"
PULUMI_HOME = PRIVATE / "pulumi-home"

# Opens the demo stacks' encryption salt and nothing else: they hold no secret (design 8).
DEMO_PASSPHRASE = "dual-write-demo"  # noqa: S105
# Each command starts some five interpreters: they share what was compiled, also in a container that says otherwise.
COMPILED_ONCE = {"PYTHONDONTWRITEBYTECODE": ""}
FIXED = {
    **COMPILED_ONCE,
    "PULUMI_PYTHON_CMD": sys.executable,
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
}
# A user's real credentials must not reach the emulator, nor win over the demo tenant's.
CREDENTIALS = ("AZURE_", "DUALWRITE_")
NO_CREDENTIALS = ("AZURE_CONFIG_DIR",)
# What Pulumi takes as the name of a stack.
# The stack of a command that names none.
DEFAULT_STACK = "new-new"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class Stack(NamedTuple):
    """One stack file under `stacks/`."""

    name: str
    cloud: str

    @property
    def emulated(self) -> bool:
        """Whether the stack lives on the local emulator."""
        return self.cloud == "emulator"


def make(target: str, stack: str) -> str:
    """The command line of a target for a stack, as a message tells it."""
    return f"`make {target}`" if stack == DEFAULT_STACK else f"`make {target} STACK={stack}`"


def stack(name: str) -> Stack:
    """The stack of that name; refused with the names there are when its file is missing."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot be the name of a stack: it has letters, digits, `-`, `_` and `.` only.")
    path = STACKS / f"Pulumi.{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.name.split(".")[1] for file in STACKS.glob("Pulumi.*.yaml")))
        raise UserError(f"There is no stack '{name}' (no file stacks/{path.name}). Stacks: {known}.")
    cloud = file_of(path).config.get("dualwrite:cloud", "emulator")
    if cloud is None:
        raise UserError(f"stacks/{path.name}: dualwrite:cloud is empty; give it a value or leave the key out.")
    return Stack(name, str(cloud))


def config_of(path: Path) -> dict[str, Any]:
    """What stands below `config:` in a file of `stacks/`, by full key; refused in one line when it is no stack file."""
    return file_of(path).config


def file_of(path: Path) -> StackFile:
    """A file of `stacks/`; refused in one line when it is no stack file."""
    try:
        return read(path)
    except StackFileError as problem:
        raise UserError(f"stacks/{path.name} {problem}.") from None


def _require_known_cloud(stack: Stack) -> None:
    """Refuse a cloud that there is none of: a misspelt `emulator` would be taken for a real one."""
    # The program's own imports, for which commands on the emulator need not wait.
    from components.findings import suggestion
    from components.stack import Cloud

    known = get_args(Cloud)
    if stack.cloud not in known:
        text = f"stacks/Pulumi.{stack.name}.yaml: dualwrite:cloud: is {stack.cloud!r}; {suggestion(stack.cloud, known)}"
        raise UserError(f"{text} Nothing was run.")


def _by_passphrase(stack: Stack, backend: str) -> bool:
    """Whether a passphrase encrypts the stack's secrets; without a word in its file the backend decides."""
    encryption = file_of(STACKS / f"Pulumi.{stack.name}.yaml").encryption
    return encryption == "passphrase" if encryption else not backend.startswith("http")


def _is_outside(backend: str) -> bool:
    """Whether a backend is named that is no folder of this clone's own."""
    folder = folder_of(backend, ROOT)
    return bool(backend) and not (folder and folder.is_relative_to(PRIVATE))


def _has_own_passphrase(given: Mapping[str, str]) -> bool:
    return has_passphrase(given) and given.get(PASSPHRASE) != DEMO_PASSPHRASE


def require_own_state(stack: Stack, given: Mapping[str, str]) -> None:
    """Refuse a stack of a real cloud whose state would land in this clone's own folder, or under the demo's passphrase.

    That folder is removed to get a new local tenant, and that passphrase is published.
    """
    if stack.emulated:
        return
    _require_known_cloud(stack)
    missing = []
    backend = given.get(BACKEND, "")
    if not _is_outside(backend):
        missing.append(f"{BACKEND}, a backend outside .dualwrite")
    if _by_passphrase(stack, backend) and not _has_own_passphrase(given):
        missing.append(f"{PASSPHRASE} or {PASSPHRASE_FILE}, a passphrase other than the demo's")
    if missing:
        raise UserError(
            f"Stack '{stack.name}' is in the cloud '{stack.cloud}', so it needs {'; and '.join(missing)}."
            " Nothing was run."
        )


def pulumi_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Pulumi's variables of this clone; a backend or passphrase of the user's own stays as it is."""
    variables = {"PULUMI_HOME": str(PULUMI_HOME), **FIXED}
    if not given.get(BACKEND):
        variables[BACKEND] = PULUMI_STATE.as_uri()
    if not has_passphrase(given):
        variables[PASSPHRASE] = DEMO_PASSPHRASE
    return variables


def make_private_folder() -> None:
    """Create this clone's folder for this user alone: what is in the state is executed by the provider."""
    PRIVATE.mkdir(mode=0o700, exist_ok=True)
    PRIVATE.chmod(0o700)  # it may be older


def make_folders() -> None:
    """Create the folders that Pulumi expects to exist."""
    make_private_folder()
    for folder in (PULUMI_STATE, PULUMI_HOME):
        folder.mkdir(parents=True, exist_ok=True)


def child_environment(
    engine: Path, emulator: Mapping[str, str] | None, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The whole environment of a command; with an emulator, its credentials instead of the user's."""
    given = os.environ if given is None else given
    kept = {name: value for name, value in given.items() if emulator is None or not is_credential(name)}
    return {
        **kept,
        **loopback_exceptions(given),
        **pulumi_variables(given),
        **(emulator or {}),
        "PATH": os.pathsep.join((str(engine), given.get("PATH", ""))),
    }


def is_credential(name: str) -> bool:
    """Whether a variable belongs to azure-identity or to the dual-write token."""
    return name.startswith(CREDENTIALS) and name not in NO_CREDENTIALS


def exported(emulator: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The variables that give a shell the set-up of the commands, without PATH."""
    return {**pulumi_variables(given), **loopback_exceptions(given), **emulator}


def exports(engine: Path, emulator: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Lines for `eval` that give a shell the same set-up."""
    lines = [f'export PATH={shlex.quote(str(engine))}:"$PATH"']
    lines += [f"export {name}={shlex.quote(value)}" for name, value in exported(emulator, given).items()]
    return "\n".join(lines)
