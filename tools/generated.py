"""Files that are made from code: `python -m tools.generated` writes all of them, `--check` compares them.

`docs/reliability.md` is none of them: making it takes minutes (`python -m benchmarks.fault_matrix`).
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from components import schema
from tools import change_table, findings_page, input_table, stack_table
from tools.workspace import ROOT

FILES: Mapping[str, Callable[[], str]] = {
    "stacks/stack-file.schema.json": schema.text,
    "stacks/README.md": stack_table.page,
    "docs/changes.md": change_table.page,
    "docs/findings.md": findings_page.page,
    "docs/inputs.md": input_table.page,
}


def main(arguments: list[str], *, root: Path = ROOT) -> int:
    """Write the files below the clone, or with `--check` name those that are stale; the exit code."""
    stale = [place for place, text in FILES.items() if not _is_current(root / place, text())]
    if arguments == ["--check"]:
        sys.stderr.writelines(f"{place} is stale: run `python -m tools.generated`\n" for place in stale)
        return min(1, len(stale))
    for place in stale:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(FILES[place](), encoding="utf-8")
    return 0


def _is_current(file: Path, text: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
