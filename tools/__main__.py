"""The commands behind the Makefile: `python -m tools <command>`.

Three of them need the program itself, whose imports take half the time of a short command: they import it.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import TyperException

from tools import (
    checks,
    emulator_process,
    json_output,
    locks,
    other_stacks,
    pulumi_cli,
    summary,
    testing,
    variables,
    workspace,
)
from tools.engine.build import EngineUnavailable, engine_folder
from tools.exit_codes import ExitCode, Refused, UserError
from tools.pulumi_cli import Deployment
from tools.review import commands as review
from tools.review import outcome
from tools.stack_copy import StackCopy, stack_copy
from tools.workspace import Stack

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
# Keys of the stack file hold what would be read as emoji: `dualwrite:cloud:`.
console = Console(emoji=False)
messages = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)

StackName = Annotated[str, typer.Argument(help="a stack under stacks/")]
Approved = Annotated[str, typer.Option(help="digest or page that was approved: nothing else is run")]
Refreshed = Annotated[bool, typer.Option("--refresh", help="read the services first, without recording it")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object, see docs/machines.md")]
Detailed = Annotated[bool, typer.Option("--detailed-exit-code", help="2 when there are changes")]


def engine() -> Path:
    """The engine's folder, built first if this machine has none."""
    return engine_folder(messages.print)


def checked(name: str) -> Stack:
    """The stack of that name, when its file and the user's variables allow to run anything."""
    variables.refuse_empty(os.environ)
    stack = workspace.stack(name)
    workspace.require_own_state(stack, os.environ)
    return stack


def ready(name: str) -> tuple[Stack, dict[str, str]]:
    """All that a command needs that changes the stack: engine, folders, emulator, stack selected, made if it is new."""
    stack = checked(name)
    folder = engine()
    workspace.make_folders()
    with ThreadPoolExecutor(1) as beside:  # the two wait for different programs
        without_emulator = workspace.child_environment(folder, {} if stack.emulated else None)
        selected = beside.submit(pulumi_cli.select, stack.name, without_emulator)
        environment = environment_of(stack, folder)
        selected.result()
    release_locks(stack, environment)
    return stack, environment


def release_locks(stack: Stack, environment: dict[str, str]) -> None:
    """Clear what a killed run left, before a run that takes the lock, and say so."""
    for line in locks.release(stack.name, environment):
        messages.print(line)


def environment_of(stack: Stack, folder: Path) -> dict[str, str]:
    """The environment of the stack's commands, with the emulator running where it lives there."""
    if not stack.emulated:
        return workspace.child_environment(folder, None)
    emulator_process.ensure_running()
    return workspace.child_environment(folder, emulator_process.variables())


def refuse_second_stack(stack: Stack, environment: Mapping[str, str]) -> None:
    """Refuse to plan or run what another stack of the backend would undo: both manage the maps of one pair."""
    config = workspace.config_of(workspace.STACKS / f"Pulumi.{stack.name}.yaml")
    others = other_stacks.deployments(stack.name, environment)
    against = other_stacks.problem(stack.name, config, others, environment.get("AZURE_TENANT_ID"))
    if against:
        raise Refused(against)


@contextmanager
def reading(name: str, *, planning: bool = False) -> Iterator[tuple[Stack, StackCopy]]:
    """All that a command needs that only reads: the stack's file and backend stay as they are."""
    stack = checked(name)
    folder = engine()
    workspace.make_folders()
    environment = environment_of(stack, folder)
    if planning:
        refuse_second_stack(stack, environment)
    with stack_copy(stack.name, environment) as copy:
        yield stack, copy


def operate(arguments: Sequence[str], stack: Stack, environment: dict[str, str]) -> None:
    """Run an operation on the stack; ends this process with the exit code for how it failed, when it fails."""
    ended(outcome.run([*arguments, "--stack", stack.name], environment), stack, environment)


def read_only(arguments: Sequence[str], stack: Stack, copy: StackCopy) -> None:
    """Run an operation that only reads, on the copied stack file; else as `operate`."""
    ended(outcome.run([*arguments, *copy.options], copy.environment), stack, copy.environment)


def ended(code: ExitCode, stack: Stack, environment: dict[str, str]) -> None:
    """End this process unless all is well."""
    if code is ExitCode.OTHER:
        advice = locks.advice(stack.name, environment)
        if advice:
            messages.print(advice)
    if code:
        raise typer.Exit(code)


def prove_live(stack: Stack, environment: Mapping[str, str], deployment: Deployment) -> None:
    """Prove on both sides that the pair is in step."""
    # The clients sign in as their environment says, which for the emulator holds nothing of the user's own.
    os.environ.clear()
    os.environ.update(environment)
    # Imports all clients, which most commands have no use for.
    from tools import prove

    prove.run(stack.cloud, deployment)


@app.command()
def up(name: StackName = workspace.DEFAULT_STACK, approved: Approved = "") -> None:
    """Bring the stack's pair to live sync; on the emulator prove it after a change."""
    stack, environment = ready(name)
    refuse_second_stack(stack, environment)
    if stack.emulated:
        messages.print(f"The local tenant to look at: {environment['DUALWRITE_EMULATOR_URL']}/")
    if approved:
        ended(review.up_as_approved(approved, stack.name, environment), stack, environment)
    else:
        operate(["up", "--yes", "--suppress-outputs"], stack, environment)
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(pulumi_cli.history, stack.name, environment)
        deployment = pulumi_cli.deployment(stack.name, environment)
        history = asked.result()
    if deployment.pending_creates:
        pulumi_cli.forget_pending_operations(stack.name, environment)
    console.print()
    summary.show(stack.name, deployment, history, console)
    if stack.emulated and pulumi_cli.changed(history[0]):
        prove_live(stack, environment, deployment)


@app.command()
def preview(
    name: StackName = workspace.DEFAULT_STACK,
    diff: Annotated[bool, typer.Option(help="the engine's own preview, property by property")] = False,
    refreshed: Refreshed = False,
    as_json: AsJson = False,
    detailed_exit_code: Detailed = False,
) -> None:
    """Show what `up` would change, as a reviewer reads it."""
    with reading(name, planning=True) as (stack, copy):
        if diff:
            read_only(["preview", "--diff", "--suppress-outputs", *(["--refresh"] if refreshed else [])], stack, copy)
            return
        code = review.preview(copy, console, refreshed=refreshed, as_json=as_json)
        ended(asked_for(code, detailed_exit_code), stack, copy.environment)


@app.command()
def page(
    name: Annotated[str, typer.Option("--stack", help="a stack under stacks/")] = workspace.DEFAULT_STACK,
    refreshed: Refreshed = False,
    as_json: AsJson = False,
    detailed_exit_code: Detailed = False,
) -> None:
    """Print the preview as a page for a pull request, in Markdown."""
    with reading(name, planning=True) as (stack, copy):
        code = review.page(copy, refreshed=refreshed, as_json=as_json)
        ended(asked_for(code, detailed_exit_code), stack, copy.environment)


def asked_for(code: ExitCode, detailed: bool) -> ExitCode:
    """Changes are no failure unless the caller wants to tell them from nothing."""
    return ExitCode.DONE if code is ExitCode.CHANGES and not detailed else code


@app.command()
def refresh(
    name: StackName = workspace.DEFAULT_STACK,
    preview_only: Annotated[bool, typer.Option(help="name what drifted and record nothing")] = False,
    as_json: AsJson = False,
    detailed_exit_code: Detailed = False,
) -> None:
    """Read everything back, name what drifted, and record it."""
    how = ["--preview-only"] if preview_only else ["--yes", "--skip-preview"]
    asked = ["--expect-no-changes"] if detailed_exit_code else []
    arguments = ["refresh", *how, *asked, "--diff", "--suppress-outputs"]
    with reading(name) as (stack, copy):
        copy.require_deployed()
        if not preview_only:
            release_locks(stack, copy.environment)
        if as_json:
            options = [*how, *asked, *(copy.options if preview_only else ("--stack", stack.name))]
            code = review.refresh(stack.name, options, copy.environment, recorded=not preview_only)
            ended(code, stack, copy.environment)
        elif preview_only:
            read_only(arguments, stack, copy)
        else:
            operate(arguments, stack, copy.environment)


@app.command("check-file")
def check_file(name: StackName = workspace.DEFAULT_STACK, as_json: AsJson = False) -> None:
    """Check a stack file offline: no service, no credential, no engine."""
    from tools import offline

    said = offline.check_file(name)
    if as_json:
        json_output.write("check-file", stack=name, problems=[])
    else:
        typer.echo(said)


@app.command("changed")
def changed(since: Annotated[str, typer.Option(help="the commit to compare with")], as_json: AsJson = False) -> None:
    """Name the stacks that plan otherwise than at a commit."""
    from tools import offline

    stacks = offline.changed_stacks(since)
    if as_json:
        json_output.write("changed", since=since, stacks=stacks)
    else:
        typer.echo("\n".join(stacks))


@app.command()
def destroy(name: StackName = workspace.DEFAULT_STACK) -> None:
    """Delete what the stack created; refused without the consent that the README describes."""
    from tools import deletion

    with reading(name) as (stack, copy):
        deployment = pulumi_cli.deployment(stack.name, copy.environment) if copy.deployed else None
    if deployment is None or not deployment.resources:
        console.print(f"Nothing to destroy: stack '{name}' has no resources.", highlight=False)
        return
    stack, environment = ready(name)
    config = workspace.config_of(workspace.STACKS / f"Pulumi.{stack.name}.yaml")
    today = datetime.now(UTC).date()
    against = deletion.problem(stack.name, config, deployment, today)
    if against:
        raise Refused(against)
    operate(["destroy", "--yes"], stack, environment)


@app.command()
def prove(name: StackName = workspace.DEFAULT_STACK) -> None:
    """Prove live sync with a row each way, and count what was brought over."""
    with reading(name) as (stack, copy):
        copy.require_deployed()
        deployment = pulumi_cli.deployment(stack.name, copy.environment)
        deployment.require_resources(stack.name)
        prove_live(stack, copy.environment, deployment)


@app.command()
def emulator() -> None:
    """Serve the local tenant in the foreground."""
    found = emulator_process.running()
    if found:
        raise UserError(f"The emulator is running already: {found.url} (process {found.pid}). `make stop` ends it.")
    command = emulator_process.serve_command()
    os.execv(command[0], command)  # noqa: S606 - takes this process's place, so that Ctrl-C reaches it


@app.command()
def stop() -> None:
    """Stop the emulator; its tenant stays on disk."""
    found = emulator_process.stop()
    console.print(f"Stopped the emulator at {found.url}." if found else "The emulator is not running.", highlight=False)


@app.command()
def env(name: StackName = workspace.DEFAULT_STACK, as_json: AsJson = False) -> None:
    """Print shell exports for plain `pulumi` commands: eval "$(make -s env)"."""
    stack = checked(name)
    folder = engine()
    workspace.make_folders()
    emulator: dict[str, str] = {}
    if stack.emulated and emulator_process.running():
        emulator = emulator_process.variables()
    elif stack.emulated:
        messages.print(
            "The emulator is not running: start it with `make emulator` or `make up`, then repeat this line."
        )
    if as_json:
        path, variables = str(folder), workspace.exported(emulator, os.environ)
        json_output.write("env", stack=stack.name, path=path, running=bool(emulator), variables=variables)
    else:
        typer.echo(workspace.exports(folder, emulator, os.environ))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run all tests, or those that the pytest arguments choose."""
    raise typer.Exit(testing.run(context.args, messages.print))


@app.command()
def check(only: Annotated[str, typer.Argument(help="one check")] = "") -> None:
    """Format, lint, types, import contracts, generated files."""
    if not checks.run_all(console, only):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; what the user can mend is shown as one line."""
    # Whatever a command or its children write is for this user alone: state, logs, plans, the tenant.
    os.umask(0o077)
    try:
        # By itself, typer ends with 2 where the arguments are wrong, and 2 means changes here.
        sys.exit(app(standalone_mode=False))
    except TyperException as problem:
        messages.print(f"Error: {problem}")
        sys.exit(ExitCode.OTHER)
    except (UserError, EngineUnavailable) as problem:
        messages.print(str(problem))
        sys.exit(getattr(problem, "code", ExitCode.OTHER))


if __name__ == "__main__":
    main()
