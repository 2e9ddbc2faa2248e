"""What a pipeline may do with a pull request of a stranger: read its files. No service, no credential, no engine."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from components.config import check
from components.stack import NAMESPACE
from providers.protocol.findings import STACK_FILE
from tools.exit_codes import Refused, UserError
from tools.workspace import ROOT, STACKS, config_of

_BEFORE, _AFTER = "Pulumi.", ".yaml"
# A change of these changes what every stack plans.
_PROGRAM = ("__main__.py", "Pulumi.yaml", "components/", "providers/", "requirements.txt", "stacks/profiles/")


def check_file(name: str) -> str:
    """The line that the stack file is in order; Refused lists every problem."""
    file = STACKS / f"{_BEFORE}{name}{_AFTER}"
    if not file.is_file():
        raise UserError(f"There is no stack file stacks/{file.name}.")
    try:
        config = config_of(file)
    except UserError as problem:
        raise Refused(f"{STACK_FILE.code} {problem}") from None
    raw = {key.removeprefix(f"{NAMESPACE}:"): value for key, value in config.items()}
    _, problems = check(raw, datetime.now(UTC).date())
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise Refused(f"{STACK_FILE.code} stacks/{file.name} has problems:\n{lines}")
    return f"stacks/{file.name} is in order. Nothing was planned: that takes the credentials of the tenant."


def changed_stacks(since: str) -> list[str]:
    """Names of the stacks that plan otherwise than at that commit: their own file changed, or the program did."""
    answer = subprocess.run(
        ["git", "diff", "--name-only", "--no-renames", f"{since}...HEAD", "--"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise UserError(f"git knows no commit '{since}': {answer.stderr.strip()}")
    return touched(answer.stdout.splitlines(), sorted(path.name for path in STACKS.glob(f"{_BEFORE}*{_AFTER}")))


def touched(changed: list[str], files: list[str]) -> list[str]:
    """Names of those stack files that the changed paths touch."""
    if not any(path.startswith(_PROGRAM) for path in changed):
        names = _stack_files(changed)
        files = [file for file in files if file in names]
    return [file.removeprefix(_BEFORE).removesuffix(_AFTER) for file in files]


def _stack_files(paths: list[str]) -> set[str]:
    return {Path(path).name for path in paths if Path(path).parent.name == STACKS.name}
