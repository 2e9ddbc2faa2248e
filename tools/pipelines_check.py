"""`make check` of the pipelines: their published schemas, and actionlint at its pinned version where there is Go."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.workspace import ROOT

_WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_AZURE = sorted((ROOT / "azure-pipelines").glob("*.yml"))
# Templates are expanded, and bare numbers and truth values are the texts that the service makes of them.
_TRANSFORMED = ("--data-transform", "azure-pipelines", "--regex-variant", "nonunicode")
_ACTIONLINT = ROOT / "tools" / "actionlint"


def commands() -> Iterator[tuple[list[str], Path]]:
    """Each command with its folder."""
    schema = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema"]
    yield [*schema, "vendor.github-workflows", *map(str, _WORKFLOWS)], ROOT
    # Microsoft's schema holds a pattern that is none by the rules of Unicode patterns.
    yield [*schema, "vendor.azure-pipelines", *_TRANSFORMED, *map(str, _AZURE)], ROOT
    if shutil.which("go"):
        yield ["go", "tool", "actionlint", *map(str, _WORKFLOWS)], _ACTIONLINT


def main() -> int:
    """Run all; 1 when one of them objects."""
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    done = [subprocess.run(command, cwd=folder, env=environment, check=False) for command, folder in commands()]
    if not shutil.which("go"):
        sys.stderr.write("actionlint was left out: there is no Go on this machine\n")
    return int(any(each.returncode for each in done))


if __name__ == "__main__":
    sys.exit(main())
