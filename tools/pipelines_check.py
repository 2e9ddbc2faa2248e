"""`make check` of the pipelines: their published schemas, and actionlint at its pinned version where there is Go."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tools.azure_templates import expanded
from tools.workspace import ROOT

_WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_AZURE = sorted((ROOT / "azure-pipelines").glob("*.yml"))
_ACTIONLINT = ROOT / "tools" / "actionlint"


def commands(folder: Path) -> Iterator[tuple[list[str], Path]]:
    """Each command with its folder. The schema of Azure pipelines knows no templates: it reads expanded copies."""
    schema = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema"]
    yield [*schema, "vendor.github-workflows", *map(str, _WORKFLOWS)], ROOT
    copies = [folder / f"{file.stem}.json" for file in _AZURE]
    for file, copy in zip(_AZURE, copies, strict=True):
        copy.write_text(json.dumps(expanded(yaml.safe_load(file.read_text(encoding="utf-8")))), encoding="utf-8")
    # Microsoft's schema holds a pattern that is none by the rules of Unicode patterns.
    yield [*schema, "vendor.azure-pipelines", "--regex-variant", "nonunicode", *map(str, copies)], ROOT
    if shutil.which("go"):
        yield ["go", "tool", "actionlint", *map(str, _WORKFLOWS)], _ACTIONLINT


def main() -> int:
    """Run all; 1 when one of them objects."""
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    with TemporaryDirectory() as folder:
        done = [
            subprocess.run(command, cwd=place, env=environment, check=False)
            for command, place in commands(Path(folder))
        ]
    if not shutil.which("go"):
        sys.stderr.write("actionlint was left out: there is no Go on this machine\n")
    return int(any(each.returncode for each in done))


if __name__ == "__main__":
    sys.exit(main())
