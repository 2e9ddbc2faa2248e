"""Interpreters that are forked from a warm one, which has imported once what each of them would import again.

A process of the tests so begins as if its imports took no time, and has everything else of its own. `Interpreter` lets
other programs start such processes: it is a command that takes the arguments of `python`.
"""

import io
import json
import multiprocessing
import os
import runpy
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tools.workspace import ROOT

PRELOADED = ("pytest", "pulumi.dynamic", "httpx", "azure.identity", "components.dual_write_pair", "providers.live_sync")
# How the Python language host asks for installed packages.
PIP = "pip._internal.commands.list"
STANDARD = 3
# As a shell tells of a process that a signal ended.
_KILLED = 128
# Runs without the site module: it has to pass on what it was given, and nothing else.
_COMMAND = """#!{python} -ISE
import json, os, socket, sys
service = socket.socket(socket.AF_UNIX)
service.connect({address!r})
request = {{"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}
text = json.dumps(request).encode()
socket.send_fds(service, [len(text).to_bytes(4, "big")], [0, 1, 2])
service.sendall(text)
for number in (0, 1, 2):
    os.close(number)
answer = service.recv(1)
os._exit(answer[0] if answer else 1)
"""

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload([*PRELOADED, PIP, __name__])


def be_python(
    arguments: Sequence[str], folder: str, environment: Mapping[str, str], streams: Mapping[int, int]
) -> None:
    """Do in this process what `python` does with these arguments, in that folder and environment.

    `streams`: the standard descriptors (0, 1, 2) to those that take their place.
    """
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in streams.items():
        os.dup2(stream, number)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
    options = [each for each in arguments if each != "-u"]
    others = [path for path in sys.path if path not in ("", str(ROOT))]
    if options[0] == "-m":
        module, *rest = options[1:]
        sys.path[:] = [folder, *others]
        sys.argv = [module, *rest]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.path[:] = [str(Path(options[0]).parent), *others]
        sys.argv = options
        runpy.run_path(options[0], run_name="__main__")


class Interpreter:
    """The command `path`, which starts warm interpreters while this object is open."""

    def __init__(self, folder: Path) -> None:
        """Make the command in that folder, and begin to serve it."""
        self.path = folder / "python"
        address = folder / "python.socket"
        self._service = socket.socket(socket.AF_UNIX)
        self._service.bind(str(address))
        self._service.listen()
        self.path.write_text(_COMMAND.format(python=sys.executable, address=str(address)))
        self.path.chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Start no further interpreters."""
        self._service.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._service.accept()
                threading.Thread(target=_run, args=(client,), daemon=True).start()


def _run(client: socket.socket) -> None:
    """Run one interpreter for its command, and end it with it."""
    with client:
        length, streams, _, _ = socket.recv_fds(client, 4, STANDARD)
        if len(streams) < STANDARD:
            return
        with client.makefile("rb") as request:
            told = json.loads(request.read(int.from_bytes(length, "big")))
        # As connections, which is what multiprocessing can pass to a process; what they are does not matter here.
        ends = [Connection(stream) for stream in streams]
        process = context.Process(
            target=_be_python, args=(told["arguments"], told["folder"], told["environment"], ends), daemon=True
        )
        process.start()
        for end in ends:
            end.close()
        wait([process.sentinel, client])
        if process.is_alive():
            process.kill()
        process.join()
        with suppress(OSError):  # the command was killed
            code = process.exitcode or 0
            client.sendall(bytes([code if code >= 0 else _KILLED - code]))


def _be_python(arguments: list[str], folder: str, environment: dict[str, str], ends: list[Connection]) -> None:
    be_python(arguments, folder, environment, {number: end.fileno() for number, end in enumerate(ends)})
