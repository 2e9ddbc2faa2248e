"""Compiles the Go program of tests/clients once per version of its sources: 4 seconds, once the engine is built.

Owns `${XDG_CACHE_HOME:-~/.cache}/dualwrite/go-client/<hash>`. Same flags as the engine's programs, so that Go's own
cache holds most of it.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import bootstrap
from tools.engine.build import Report
from tools.workspace import ROOT

SOURCES = ROOT / "tests" / "clients" / "go_client"
NAME = "go-client"


def program(report: Report) -> Path | None:
    """The compiled program, made now if this machine has none; None without Go, or where its modules cannot be had."""
    compiled = _folder() / NAME
    go = shutil.which("go")
    if compiled.exists() or go is None:
        return compiled if compiled.exists() else None
    compiled.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=compiled.parent.parent) as made:
        target = Path(made, NAME)
        command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", str(target), "."]
        variables = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        done = subprocess.run(command, cwd=SOURCES, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            report(f"The Go program of tests/clients cannot be built: {done.stderr.strip()}")
            return None
        compiled.parent.mkdir(exist_ok=True)
        # Whoever builds at the same time brings the same program.
        target.replace(compiled)
    return compiled


def _folder() -> Path:
    digest = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    return bootstrap.cache() / "go-client" / digest.hexdigest()[:16]
