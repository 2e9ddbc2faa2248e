"""Fetches axe-core, which judges the emulator's page for people who see, hear or move otherwise; only tests need it.

Owns `${XDG_CACHE_HOME:-~/.cache}/dualwrite/axe-core/<version>`. By npm, so that a user's own registry is asked.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tools import bootstrap
from tools.engine.build import Report

VERSION = "4.14.1"
# Of the registry's document (dist.integrity).
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_SECONDS = 60


def script() -> Path:
    """Where the script lies once it was fetched."""
    return bootstrap.cache() / "axe-core" / VERSION / "axe.min.js"


def fetch(report: Report) -> Path | None:
    """The script, fetched now if this machine has none; None without npm, or where the registry does not give it."""
    npm = shutil.which("npm")
    if script().exists() or npm is None:
        return script() if script().exists() else None
    script().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=script().parent) as folder:
        command = [npm, "pack", "--silent", "--pack-destination", folder, f"axe-core@{VERSION}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            report(f"axe-core {VERSION} was not fetched within {_SECONDS} s.")
            return None
        packed = [*Path(folder).glob("*.tgz")]
        if done.returncode or not packed:
            report(f"axe-core {VERSION} cannot be fetched: {done.stderr.strip()}")
            return None
        if base64.b64encode(hashlib.sha512(packed[0].read_bytes()).digest()).decode() != SHA512:
            report(f"axe-core {VERSION} of the registry is not the pinned one.")
            return None
        with tarfile.open(packed[0]) as archive:
            archive.extract("package/axe.min.js", folder, filter="data")
        # Whoever fetches at the same time brings the same script.
        Path(folder, "package/axe.min.js").replace(script())
    return script()
