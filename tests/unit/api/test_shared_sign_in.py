"""A failure to get a token is shared: a refusal for a while, what passes with those that waited for the same try."""

import pytest

from providers.api.identity.failures import PASSING_SECONDS, SharedFailures
from providers.api.transport.errors import ApiError, AuthenticationError, ServiceUnavailable, TransportError
from providers.api.transport.limits import FIRST_DELAY

REFUSED, DOWN = AuthenticationError("the secret is wrong"), ServiceUnavailable("503")


class SignIn:
    """A sign-in that takes ten seconds and gives what it is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.tries = 0
        self.outcome: ApiError | str = "token"
        self.failures = SharedFailures(60, lambda: self.now)

    def asked_at(self, asked: float) -> str:
        """What a caller gets that began to wait then."""
        return self.failures.shared(self._try, asked)

    def _try(self) -> str:
        self.tries += 1
        self.now += 10
        if isinstance(self.outcome, ApiError):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize("outcome", [REFUSED, DOWN, TransportError("no connection")])
def test_those_that_waited_for_a_failed_try_share_its_failure(outcome: ApiError) -> None:
    sign_in = SignIn()
    sign_in.outcome = outcome
    errors = []
    for asked in (0.0, 0.0, 3.0, 9.9):
        with pytest.raises(type(outcome)) as caught:
            sign_in.asked_at(asked)
        errors.append(caught.value)
    assert sign_in.tries == 1
    assert len({id(error) for error in errors}) == len(errors), "each raises an error of its own"


@pytest.mark.parametrize(("outcome", "seconds"), [(REFUSED, 60.0), (DOWN, PASSING_SECONDS)])
def test_it_is_tried_again_after_a_while(outcome: ApiError, seconds: float) -> None:
    sign_in = SignIn()
    sign_in.outcome = outcome
    with pytest.raises(ApiError):
        sign_in.asked_at(0)
    sign_in.outcome = "token"
    with pytest.raises(ApiError):
        sign_in.asked_at(sign_in.now + seconds - 0.01)
    assert sign_in.asked_at(sign_in.now + seconds) == "token"
    assert sign_in.tries == 2


def test_failure_is_forgotten_with_the_next_success() -> None:
    sign_in = SignIn()
    sign_in.outcome = DOWN
    with pytest.raises(ApiError):
        sign_in.asked_at(0)
    sign_in.outcome = "token"
    assert [sign_in.asked_at(sign_in.now + 1), sign_in.asked_at(5)] == ["token", "token"]


def test_next_try_of_the_same_caller_is_never_answered_by_its_last_one() -> None:
    assert FIRST_DELAY / 2 > PASSING_SECONDS
