"""Runs `pulumi preview --json`: a plan as data, and where asked for as the engine's own plan file."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.exit_codes import NotRead
from tools.review.preview import Preview, read
from tools.workspace import ROOT


def plan(
    stack: str,
    environment: Mapping[str, str],
    *,
    refreshed: bool = False,
    save: Path | None = None,
    config_file: Path | None = None,
) -> Preview:
    """The plan of a stack.

    `refreshed`: read the services first, without recording it; `save`: the plan file; `config_file`: instead of the
    stack's own file.

    NotRead carries what the CLI said when it printed no plan at all: no backend, a lock, a wrong passphrase.
    """
    arguments = ["preview", "--json", "--non-interactive", "--stack", stack]
    options = (("--save-plan", save), ("--config-file", config_file))
    arguments += ["--refresh"] if refreshed else []
    arguments += [word for option, path in options if path for word in (option, str(path))]
    answer = subprocess.run(
        ["pulumi", *arguments], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )
    try:
        return read(stack, answer.stdout, refreshed=refreshed)
    except NotRead as problem:
        said = answer.stderr.strip() or answer.stdout.strip()
        raise NotRead(f"{problem} {said}".strip()) from problem
