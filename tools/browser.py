"""A headless Chromium of this machine, spoken to over a pipe: for the picture of the README and for tests of the page.

The protocol is that of the browser's own developer tools, JSON messages that end with a zero byte on the descriptors
3 and 4 of the process. So nothing is downloaded, no port is opened, and no further package is needed.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Self

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-extensions", "--disable-sync", "--no-proxy-server", "--mute-audio"),
)
ANSWER_SECONDS = 30.0


class BrowserError(Exception):
    """The browser does not do what it was told; the text is its own."""


def installed_browser() -> str | None:
    """The command of a Chromium on this machine, or None."""
    return next((found for name in COMMANDS if (found := shutil.which(name))), None)


@contextmanager
def browser(command: str) -> Iterator["Browser"]:
    """A running browser with an empty profile of its own."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        to_read, to_write = os.pipe(), os.pipe()
        # The sandbox needs namespaces that root in a container seldom has.
        extra = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        line = [command, *OPTIONS, *extra, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(
            # The shell gives the two ends the numbers that the browser expects.
            ["/bin/sh", "-c", f'exec "$@" 3<&{to_read[0]} 4>&{to_write[1]}', "sh", *line],
            pass_fds=(to_read[0], to_write[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read[0])
        os.close(to_write[1])
        try:
            yield Browser(to_read[1], to_write[0])
        finally:
            os.close(to_read[1])
            os.close(to_write[0])
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Browser:
    """The two ends of the pipe."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        """Take both descriptors; who made them closes them."""
        self._out, self._in = to_browser, from_browser
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._selector = DefaultSelector()
        self._selector.register(from_browser, EVENT_READ)

    def send(self, method: str, session: str | None = None, /, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; BrowserError when it fails or does not answer."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        deadline = time.monotonic() + ANSWER_SECONDS
        while (answer := self._message(deadline)).get("id") != number:
            pass
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        return dict(answer["result"])

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise BrowserError(f"the browser gave no answer within {ANSWER_SECONDS:.0f} s")
            received = os.read(self._in, 1 << 20)
            if not received:
                raise BrowserError("the browser has ended")
            self._buffer += received
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def tab(self, width: int = 1440, height: int = 900, *, dark: bool = False, script: bool = True) -> "Tab":
        """Open a tab of this size, in pixels."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        tab.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.send("Emulation.setEmulatedMedia", features=[scheme])
        tab.send("Emulation.setScriptExecutionDisabled", value=not script)
        return tab


class Tab:
    """One tab."""

    def __init__(self, owner: Browser, session: str) -> None:
        """Attached to this session."""
        self._browser = owner
        self._session = session

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol for this tab."""
        return self._browser.send(method, self._session, **parameters)

    def open(self, url: str) -> Self:
        """Go to an address and wait until it is loaded."""
        result = self.send("Page.navigate", url=url)
        if result.get("errorText"):
            raise BrowserError(f"{url}: {result['errorText']}")
        self.wait("document.readyState === 'complete'")
        return self

    def run(self, expression: str) -> Any:
        """Evaluate JavaScript in the page, promises awaited, and return its JSON value."""
        result = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            problem: Mapping[str, Any] = result["exceptionDetails"]
            raise BrowserError(str(problem.get("exception", {}).get("description", problem.get("text"))))
        return result["result"].get("value")

    def wait(self, expression: str, seconds: float = ANSWER_SECONDS, between: float = 0.05) -> Any:
        """Wait until JavaScript gives something true, and return that."""
        return wait_for(lambda: self.run(expression), expression, seconds, between)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write what the tab shows as PNG; `whole`: what is below the window too."""
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))


def wait_for(look: Callable[[], Any], what: str, seconds: float, between: float) -> Any:
    """Look until there is something true; BrowserError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise BrowserError(f"not true within {seconds:.0f} s: {what}")
        time.sleep(between)
    return found
