"""Requests and execution time stay below what the service documents, and a pause it asks for is one for all."""

from providers.api.transport.service_limits import EXECUTION, REQUESTS, SHARE, WINDOW, ServiceLimits


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_requests_of_a_window_are_counted() -> None:
    clock = FakeClock()
    limits = ServiceLimits(clock)
    most = int(REQUESTS * SHARE)
    assert [limits.admit() for _ in range(most)] == [0.0] * most
    assert limits.admit() == WINDOW
    clock.now += WINDOW
    assert limits.admit() == 0.0


def test_execution_time_of_a_window_is_counted() -> None:
    clock = FakeClock()
    limits = ServiceLimits(clock)
    limits.ended(EXECUTION * SHARE - 1)
    assert limits.admit() == 0.0
    clock.now += 100
    limits.ended(1)
    assert limits.admit() == WINDOW - 100
    clock.now += WINDOW - 100
    assert limits.admit() == 0.0


def test_eight_requests_at_a_time_keep_inside_the_execution_time() -> None:
    clock = FakeClock()
    limits = ServiceLimits(clock)
    ended: list[int] = []
    for _ in range(1200):
        clock.now += 1
        # Each of eight threads asks; a request takes a second.
        begun = sum(1 for _ in range(8) if limits.admit() == 0)
        for _ in range(begun):
            limits.ended(1.0)
        ended.append(begun)
        assert sum(ended[-int(WINDOW) :]) <= EXECUTION
    assert max(ended) == 8
    assert sum(ended) > EXECUTION * 3


def test_longest_pause_that_was_asked_for_holds() -> None:
    clock = FakeClock()
    limits = ServiceLimits(clock)
    limits.hold(30)
    limits.hold(5)
    assert (limits.admit(), limits.held) == (30.0, 30.0)
    clock.now += 30
    assert (limits.admit(), limits.held) == (0.0, 0.0)
