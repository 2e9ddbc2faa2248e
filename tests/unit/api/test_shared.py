"""A reading that threads share."""

import threading

import pytest

from providers.api.transport.errors import ApiError, ServiceUnavailable
from providers.api.transport.shared import Shared


class Source:
    def __init__(self) -> None:
        self.reads = 0
        self.time = 0.0

    def read(self) -> int:
        self.reads += 1
        return self.reads

    def clock(self) -> float:
        return self.time


@pytest.fixture
def source() -> Source:
    return Source()


def test_value_is_shared_for_its_lifetime(source: Source) -> None:
    shared = Shared(source.read, 1.0, source.clock)
    assert (shared.get(), shared.get()) == (1, 1)
    source.time = 1.0
    assert shared.get() == 2


def test_fresh_reads_again(source: Source) -> None:
    shared = Shared(source.read, 1.0, source.clock)
    assert (shared.get(), shared.get(fresh=True), shared.get()) == (1, 2, 2)


def test_forgotten_value_is_read_again(source: Source) -> None:
    shared = Shared(source.read, 1.0, source.clock)
    shared.get()
    shared.forget()
    assert shared.get() == 2


def test_reading_that_began_before_a_write_is_not_kept(source: Source) -> None:
    def read() -> int:
        found = source.read()
        if found == 1:
            shared.forget()
        return found

    shared = Shared(read, 1.0, source.clock)
    assert shared.get() == 1
    assert shared.get() == 2


def test_failed_reading_is_not_kept(source: Source) -> None:
    def read() -> int:
        if source.read() == 1:
            raise ValueError("lost")
        return source.reads

    shared = Shared(read, 1.0, source.clock)
    with pytest.raises(ValueError, match="lost"):
        shared.get()
    assert shared.get() == 2


@pytest.mark.parametrize("fresh", [False, True])
def test_waiting_callers_share_one_reading(source: Source, fresh: bool) -> None:
    started, go = threading.Event(), threading.Event()

    def read() -> int:
        started.set()
        assert go.wait(30)
        return source.read()

    shared = Shared(read, 1.0, source.clock)
    found: list[int] = []
    first = threading.Thread(target=lambda: found.append(shared.get()))
    first.start()
    assert started.wait(30)
    asked = threading.Semaphore(0)
    order = shared._order

    def get() -> None:
        asked.release()
        found.append(shared.get(fresh=fresh))

    others = [threading.Thread(target=get) for _ in range(3)]
    for other in others:
        other.start()
    for _ in others:
        assert asked.acquire(timeout=30)
    # All three have asked (taken their ticket) before the first reading may end.
    while shared._tickets < 5:
        with order:
            pass
    go.set()
    for thread in (first, *others):
        thread.join()
    # Without `fresh` the running reading serves all; with it one more serves the three that came later.
    assert source.reads == (2 if fresh else 1)


def test_those_who_wait_for_a_reading_share_its_failure() -> None:
    began, let_fail, reads = threading.Event(), threading.Event(), []

    def read() -> int:
        reads.append(1)
        began.set()
        assert let_fail.wait(30)
        raise ServiceUnavailable("down")

    shared = Shared(read, 1.0, lambda: 0.0)
    errors: list[ApiError] = []

    def ask(fresh: bool) -> None:
        try:
            shared.get(fresh=fresh)
        except ApiError as error:
            errors.append(error)

    first = threading.Thread(target=ask, args=(False,))
    first.start()
    assert began.wait(30)
    asked_before = shared._tickets
    others = [threading.Thread(target=ask, args=(bool(number % 2),)) for number in range(7)]
    for each in others:
        each.start()
    while shared._tickets < asked_before + 7:
        pass
    let_fail.set()
    for each in (first, *others):
        each.join()
    assert len(reads) == 1
    assert [str(error) for error in errors] == ["down"] * 8
    assert len({id(error) for error in errors}) == 8


def test_failure_is_shared_for_a_short_time_and_never_after_a_write() -> None:
    now, reads = [0.0], []

    def read() -> int:
        reads.append(1)
        raise ServiceUnavailable("down")

    shared = Shared(read, 1.0, lambda: now[0])

    def ask(*, fresh: bool = False) -> int:
        with pytest.raises(ServiceUnavailable):
            shared.get(fresh=fresh)
        return len(reads)

    assert ask() == 1
    assert ask() == 1
    assert ask(fresh=True) == 2, "who asks for a new reading after the failure gets one"
    shared.forget()
    assert ask() == 3
    now[0] = 10
    assert ask() == 4
