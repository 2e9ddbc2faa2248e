"""Writes of one turn of the loop travel together, and nothing is lost at the end."""

import asyncio

import pytest

from emulator.server.gathering import GatheringTransport


class FakeTransport(asyncio.Transport):
    """Remembers what happened to it."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.events.append(bytes(data).decode())

    def close(self) -> None:
        self.events.append("close")

    def abort(self) -> None:
        self.events.append("abort")


async def play(steps: str) -> list[str]:
    inner = FakeTransport()
    transport = GatheringTransport(inner, asyncio.get_running_loop())
    for step in steps.split():
        if step == "turn":
            await asyncio.sleep(0)
        elif step == "close":
            transport.close()
        elif step == "abort":
            transport.abort()
        else:
            transport.write(step.encode())
    await asyncio.sleep(0)
    return inner.events


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("head body", ["headbody"]),
        ("head turn body", ["head", "body"]),
        ("head body close", ["headbody", "close"]),
        ("head abort", ["abort"]),
        ("close", ["close"]),
    ],
)
def test_writes_of_one_turn_are_joined(steps: str, expected: list[str]) -> None:
    assert asyncio.run(play(steps)) == expected
