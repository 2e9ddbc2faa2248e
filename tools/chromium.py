"""A real browser without a window, driven over the pipe of the DevTools protocol: no library and no port."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Everything that a browser does on its own is off: it reaches the page and nothing else.
OPTIONS = (
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-proxy-server",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--remote-debugging-pipe", "--hide-scrollbars", "--force-color-profile=srgb"),
)
# The browser reads its commands from descriptor 3 and answers on 4.
LAUNCHER = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.05


def find_browser() -> str | None:
    """The command of a Chromium on this machine."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class BrowserError(Exception):
    """A command of the protocol failed, or the page threw."""


class Browser:
    """One browser with one page."""

    def __init__(self, command: str, profile: Path) -> None:
        """Start it with a profile of its own."""
        (commands, self._out), (self._in, answers) = os.pipe(), os.pipe()
        browser = [command, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", LAUNCHER, str(commands), str(answers), *browser],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(commands, answers),
        )
        os.close(commands)
        os.close(answers)
        self._numbers = itertools.count(1)
        self._received = bytearray()
        self._session: str | None = None
        (target,) = [each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page"]
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.send("Page.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(BrowserError, OSError):
            self._session = None
            self.send("Browser.close")
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its result."""
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        text = json.dumps({"id": number, "method": method, "params": parameters, **session})
        os.write(self._out, text.encode() + b"\0")
        answer = next(each for each in self._messages() if each.get("id") == number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    def open(self, address: str) -> None:
        """Go to an address and wait until it is there."""
        self.send("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript, or of the promise that it gives."""
        done = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise BrowserError(str(done["exceptionDetails"].get("exception", {}).get("description", done)))
        return done["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """The first value of the expression that is true."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            if value := self.run(script):
                return value
            time.sleep(_LOOK_SECONDS)
        raise BrowserError(f"never: {script}")

    def look_like(self, *, width: int, height: int = 900, dark: bool = False) -> None:
        """The size of the window, and whether the person wants it dark."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._received:
                message, _, rest = bytes(self._received).partition(b"\0")
                self._received[:] = rest
                yield json.loads(message)
            read = os.read(self._in, 1 << 16)
            if not read:
                raise BrowserError("the browser has ended")
            self._received += read
