"""A clone of the product with a history, in which the steps of pipelines run as a runner would run them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml

from tools.azure_templates import expanded
from tools.workspace import ROOT

PARTS = (
    "components",
    "emulator",
    "providers",
    "stacks",
    "tools",
    "__main__.py",
    "Pulumi.yaml",
    "requirements.txt",
    "requirements-dev.txt",
)
# GitHub's own client, as far as the steps use it: comments of one pull request in a file. `--jq` is the real jq.
GH = """#!{python}
import json, subprocess, sys
from pathlib import Path
store, arguments = Path({store!r}), sys.argv[2:]
comments = json.loads(store.read_text()) if store.exists() else []
option = lambda name: arguments[arguments.index(name) + 1] if name in arguments else None
method, field = option("--method") or "GET", option("--field")
path = next(each for each in arguments if each.startswith("repos/"))
if method == "GET":
    found = [{{"number": 7}}] if path.endswith("/pulls") else comments
    sys.exit(subprocess.run(["jq", "--raw-output", option("--jq")], input=json.dumps(found), text=True).returncode)
body = Path(field.removeprefix("body=@")).read_text()
if method == "POST":
    comments.append({{"id": 100 + len(comments), "body": body, "user": {{"login": "github-actions[bot]"}}}})
else:
    (comment,) = [each for each in comments if path.endswith(f"/{{each['id']}}")]
    comment["body"] = body
store.write_text(json.dumps(comments))
"""


class Done(NamedTuple):
    """How a step ended."""

    code: int
    text: str


class Checkout:
    """The clone, its runner's files and the pull request's comments."""

    def __init__(self, folder: Path, engine: Path) -> None:
        self.folder = folder / "clone"
        self.folder.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, self.folder / part)
            else:
                shutil.copy2(ROOT / part, self.folder / part)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        (self.folder / ".gitignore").write_text(".venv\n.dualwrite\n__pycache__\n*.md\n*.json\n")
        commands = folder / "bin"
        commands.mkdir()
        self.comments = folder / "comments.json"
        (commands / "gh").write_text(GH.format(python=sys.executable, store=str(self.comments)))
        (commands / "gh").chmod(0o755)
        given = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "DUALWRITE_"))}
        self.environment = given | {
            "PATH": f"{commands}:{engine}:{os.environ['PATH']}",
            "GITHUB_REPOSITORY": "contoso/pairs",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        }
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("Begin")

    def git(self, *arguments: str) -> str:
        """Run git; what it printed."""
        identity = ("-c", "user.name=Test", "-c", "user.email=test@contoso.example")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; the commit before."""
        before = self.git("rev-list", "-n", "1", "--all")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return before

    def run(self, script: str, **variables: str) -> Done:
        """Run a script as a runner runs a step."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        return Done(done.returncode, done.stdout + done.stderr)

    def step(self, workflow: str, job: str, name: str, **variables: str) -> Done:
        """Run a step of a GitHub workflow by its name."""
        document = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())
        (step,) = [each for each in document["jobs"][job]["steps"] if each.get("name") == name]
        return self.run(step["run"], **variables)

    def azure_step(self, pipeline: str, name: str, **variables: str) -> Done:
        """Run a step of an Azure pipeline by its display name, from its first job that has one."""
        document = expanded(yaml.safe_load((ROOT / f"azure-pipelines/{pipeline}.yml").read_text()))
        step = next(each for each in _steps(document) if each.get("displayName") == name)
        return self.run(step["inputs"]["inlineScript"] if "task" in step else step["bash"], **variables)

    def output(self, name: str) -> str:
        """The newest value of a step's output."""
        found = re.findall(rf"^{name}=(.*)$", Path(self.environment["GITHUB_OUTPUT"]).read_text(), re.MULTILINE)
        return str(found[-1])

    def pages(self) -> list[str]:
        """The comments of the pull request."""
        return [str(each["body"]) for each in json.loads(self.comments.read_text())]

    def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One call of the control plane of the clone's own emulator."""
        with httpx.Client(trust_env=False, timeout=30) as client:
            address = f"{self._emulator}/_emulator/{path}"
            answer = client.get(address) if body is None else client.post(address, json=dict(body))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    @cached_property
    def _emulator(self) -> str:
        """Its address, which stays: no test of a checkout starts it twice."""
        exports = self.run(".venv/bin/python -m tools env new-new").text
        (url,) = re.findall(r"^export DUALWRITE_EMULATOR_URL='?(http[^\s']+)", exports, re.MULTILINE)
        return str(url)


def _steps(part: Any) -> list[dict[str, Any]]:
    """Every step below some part of an Azure pipeline."""
    if isinstance(part, dict):
        own = list(part.get("steps") or [])
        return own + [step for key, item in part.items() if key != "steps" for step in _steps(item)]
    return [step for item in part for step in _steps(item)] if isinstance(part, list) else []
