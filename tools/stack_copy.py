"""For commands that only read: a copy of the stack file, and an empty backend for a stack that its own one lacks.

On the way to a preview the CLI makes the stack in the backend, gives its file a salt, and writes the whole file anew in
its own style (line ends, byte order mark). Here it does that to what is gone afterwards.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tools import backend, pulumi_cli
from tools.exit_codes import NotRead
from tools.variables import BACKEND, PASSPHRASE_FILE
from tools.workspace import ROOT, STACKS, make

_PROJECT = "Pulumi.yaml"


class StackCopy(NamedTuple):
    """What a command of the CLI is run with. `deployed`: the backend that the user named has the stack."""

    stack: str
    file: Path
    environment: dict[str, str]
    deployed: bool

    @property
    def options(self) -> tuple[str, ...]:
        """Options of the CLI that name the stack and its copied file."""
        return ("--stack", self.stack, "--config-file", str(self.file))

    def require_deployed(self) -> None:
        """Raise NotRead without anything to read: a green answer would be about another place than the user means."""
        if not self.deployed:
            text = f"Stack '{self.stack}' is not in the backend, so there is nothing to read"
            raise NotRead(f"{text}: {make('up', self.stack)} brings it up.")


@contextmanager
def stack_copy(stack: str, environment: Mapping[str, str]) -> Iterator[StackCopy]:
    """The copy while the block runs, in a folder that only the user can enter."""
    with TemporaryDirectory(prefix="dualwrite-") as temporary:
        project = Path(temporary, "project")
        file = project / STACKS.name / f"Pulumi.{stack}.yaml"
        file.parent.mkdir(parents=True)
        copyfile(STACKS / file.name, file)
        deployed, variables = backend.has(stack, environment, ROOT), dict(environment)
        if not deployed:
            variables[BACKEND] = _empty_backend(stack, variables, project)
        yield StackCopy(stack, file, variables, deployed)


def _empty_backend(stack: str, environment: Mapping[str, str], project: Path) -> str:
    """The address of a file backend with nothing in it but the stack, made from the copied file in `project`."""
    copyfile(ROOT / _PROJECT, project / _PROJECT)
    folder = project.parent / "backend"
    folder.mkdir()
    variables = {**environment, BACKEND: folder.as_uri()}
    if variables.get(PASSPHRASE_FILE):  # the one path that this command reads, and it runs in another folder
        variables[PASSPHRASE_FILE] = str(ROOT / variables[PASSPHRASE_FILE])
    pulumi_cli.ask(("stack", "init", stack, "--no-select"), variables, project)
    return variables[BACKEND]
