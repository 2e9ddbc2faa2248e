"""`python -m tools.picture` takes the README's picture anew: the page of the tenant in the middle of `make up`.

The tenant is a private one whose clock stands still unless this program moves it: so the moment of the picture can be
chosen, and nothing of a running emulator is touched. Needs Chromium.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from rich.console import Console

from tools import emulator_process, workspace
from tools.chromium import Browser, find_browser
from tools.engine.build import engine_folder
from tools.workspace import ROOT, STACKS

STACK, PAIR = "new-demo-existing", "Adventure Works"
PICTURE = ROOT / "docs" / "page.png"
LARGEST = 300_000
WIDTH, HEIGHT = 1280, 1240
# Of the stack's 50 maps so many run in the picture.
ENOUGH = 20
PROGRAM = ("__main__.py", "components", "providers", "Pulumi.yaml", ".venv")
LONG_STEP, SHORT_STEP = 60, 3
console = Console()
RUNNING = "document.querySelectorAll('a.node.is-running').length"


def main() -> int:
    """Write the picture; 1 with a sentence where there is no Chromium, or where it became too large."""
    command = find_browser()
    if command is None:
        console.print("No Chromium on this machine (Debian: package chromium).")
        return 1
    with tempfile.TemporaryDirectory(prefix="picture-") as name:
        picture = taken(command, Path(name))
    if len(picture) > LARGEST:
        console.print(f"The picture has {len(picture):,} bytes; {LARGEST:,} are the most.")
        return 1
    PICTURE.write_bytes(picture)
    console.print(f"{PICTURE.relative_to(ROOT)}: {len(picture):,} bytes")
    return 0


def taken(command: str, folder: Path) -> bytes:
    """The page while the maps of the stack start."""
    state = folder / "emulator"
    url = emulator_process.start(state=state, clock="stepped").url
    try:
        with up(folder, state) as running, Browser(command, folder / "profile") as browser:
            try:
                browser.look_like(width=WIDTH, height=HEIGHT)
                browser.open(url)
                until(f"!!{link_to(PAIR)}", browser, url, running)
                browser.run(f"{link_to(PAIR)}.click()")
                until(f"{RUNNING} >= {ENOUGH}", browser, url, running)
                time.sleep(1)
                return browser.picture()
            finally:
                running.kill()
    finally:
        emulator_process.stop(state)


def until(script: str, browser: Browser, url: str, running: "subprocess.Popen[bytes]") -> None:
    """Move the tenant's clock until the expression is true on the page."""
    while not browser.run(script):
        if running.poll() is not None:
            raise workspace.UserError(f"The run of {STACK} ended with {running.returncode} before the picture.")
        step = SHORT_STEP if browser.run(RUNNING) else LONG_STEP
        httpx.post(f"{url}/_emulator/clock", json={"advance": step}, trust_env=False).raise_for_status()
        time.sleep(0.1)


def link_to(name: str) -> str:
    """The link with that text."""
    return f"[...document.querySelectorAll('a')].find(each => each.textContent.trim() === '{name}')"


def up(folder: Path, state: Path) -> "subprocess.Popen[bytes]":
    """`pulumi up` of the stack, in a project and backend of its own."""
    project, backend = folder / "project", folder / "state"
    (project / STACKS.name).mkdir(parents=True)
    backend.mkdir()
    for part in PROGRAM:
        (project / part).symlink_to(ROOT / part)
    file = f"Pulumi.{STACK}.yaml"
    (project / STACKS.name / file).write_text((STACKS / file).read_text())
    environment = workspace.child_environment(engine_folder(print), emulator_process.variables(state)) | {
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": workspace.DEMO_PASSPHRASE,
    }
    subprocess.run(["pulumi", "stack", "init", STACK], cwd=project, env=environment, capture_output=True, check=True)
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    return subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
