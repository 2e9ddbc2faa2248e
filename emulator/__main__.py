"""`python -m emulator`: serve the tenant, say how to reach it, hand out a delegated token, list what is modelled."""

import json
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from emulator.identity import directory
from emulator.server.delegated_token import NoTokenError, delegated_token
from emulator.server.state_folder import DEFAULT, InUseError, Running, StateFolder, not_running

# `env` runs at every start of a command, so only what serves the tenant imports the tenant.

ROOT = Path(__file__).resolve().parent.parent

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
State = Annotated[Path, typer.Option(help="Folder in which the tenant lives between two runs.")]


@app.command()
def serve(
    state: State = DEFAULT,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes any free one.")] = 0,
    clock: Annotated[str, typer.Option(help="real, scaled:N (N tenant seconds a second) or stepped.")] = "real",
    seed_file: Annotated[
        Path | None, typer.Option("--seed", help="Seed document (YAML or JSON) to add to the default one.")
    ] = None,
) -> None:
    """Serve the tenant until SIGTERM or Ctrl-C; prints {"url", "ca"} as one line of JSON when it is ready."""
    from emulator.core.files import BrokenFileError
    from emulator.core.seeds import SeedError
    from emulator.server.process import PortTakenError

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    extra = _read_seed(seed_file)
    os.umask(0o077)
    folder = StateFolder(state)
    try:
        with folder.locked():
            _serve(folder, port, clock, extra)
    except (InUseError, PortTakenError, BrokenFileError, SeedError, ValueError, OSError) as error:
        _fail(str(error))


def _serve(folder: StateFolder, port: int, clock: str, extra: dict[str, Any]) -> None:
    import asyncio

    from emulator.server.process import Server, open_tenant, seed

    tenant = open_tenant(folder, clock, extra.pop("tenantId", None))
    try:
        if not seed(tenant, extra) and extra:
            typer.echo("The tenant exists already: --seed is played at its next reset.", err=True)
        asyncio.run(Server(tenant, folder, extra).run(port, _ready))
    finally:
        tenant.store.close()


def _ready(running: Running) -> None:
    typer.echo(json.dumps({"url": running.url, "ca": running.ca}))
    sys.stdout.flush()


def _read_seed(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        _fail(f"The seed file {path} cannot be read: {' '.join(str(error).split())}")
    if not isinstance(document, dict):
        _fail(f"The seed file {path} holds no mapping of sections.")
    return document


@app.command()
def env(state: State = DEFAULT) -> None:
    """Print the variables with which a program reaches the running emulator, as NAME=value lines."""
    running = _running(state)
    # Not `emulator token`: the library of the commands takes longer to load than the token to get.
    command = [sys.executable, "-m", "emulator.server.delegated_token", str(state.absolute())]
    variables = {
        "DUALWRITE_EMULATOR_URL": running.url,
        "DUALWRITE_EMULATOR_CA": running.ca,
        "AZURE_TENANT_ID": StateFolder(state).tenant_id(),
        "AZURE_CLIENT_ID": directory.DEMO_CLIENT_ID,
        "AZURE_CLIENT_SECRET": directory.DEMO_CLIENT_SECRET,
        # The program may run in any folder, and the emulator is not an installed package.
        "DUALWRITE_TOKEN_COMMAND": shlex.join(["env", f"PYTHONPATH={ROOT}", *command]),
        "DUALWRITE_PROVE_CLIENT_ID": directory.PROVE_CLIENT_ID,
        "DUALWRITE_PROVE_CLIENT_SECRET": directory.PROVE_CLIENT_SECRET,
    }
    for name, value in variables.items():
        typer.echo(f"{name}={value}")


@app.command()
def token(state: State = DEFAULT) -> None:
    """Print a delegated token of the demo administrator for the dual-write service."""
    try:
        typer.echo(delegated_token(state))
    except NoTokenError as error:
        _fail(str(error))


@app.command()
def coverage(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when the file is not current.")] = False,
) -> None:
    """Write emulator/COVERAGE.md: what is modelled, what is evidenced and what is assumed."""
    from emulator.server.coverage import FILE, generate

    text = generate()
    if not check:
        FILE.write_text(text)
    elif not FILE.exists() or FILE.read_text() != text:
        _fail("emulator/COVERAGE.md is not current; `python -m emulator coverage` writes it.")


def _running(state: Path) -> Running:
    running = StateFolder(state).running()
    if running is None:
        _fail(not_running(state))
    return running


def _fail(line: str) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m emulator")
