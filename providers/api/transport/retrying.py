"""When a failed attempt is tried again, and after how long: tenacity, driven by verdicts instead of exceptions."""

import tenacity

from providers.api.transport.limits import MOST_ATTEMPTS
from providers.api.transport.operations import duration, pause, report
from providers.api.transport.retry import Verdict, asked_wait, backoff
from providers.api.transport.timing import Attempt, Replay, Timing


def retrying(replay: Replay, attempts: int, wait_busy: bool, timing: Timing) -> tenacity.Retrying:
    """The schedule of one call; called with a function that gives an `Attempt`, it returns the last one.

    It ends after `attempts` tries, or, where the service says when to come back or has to finish something first, when
    the patience of `timing` does, which the attempts themselves use up as well.
    """
    begun = timing.clock()

    def again(attempt: Attempt) -> bool:
        repeatable = {Verdict.REFUSED: True, Verdict.BUSY: wait_busy, Verdict.UNCLEAR: replay == "safe"}
        return attempt.error is not None and repeatable.get(attempt.verdict, False)

    def delay(state: tenacity.RetryCallState) -> float:
        attempt = _outcome(state)
        if attempt.verdict is Verdict.BUSY:
            return max(attempt.wait or 0.0, timing.busy)
        if attempt.wait is not None:
            return asked_wait(attempt.wait, state.attempt_number)
        return backoff(state.attempt_number, timing.random)

    def give_up(state: tenacity.RetryCallState) -> bool:
        attempt = _outcome(state)
        busy = attempt.verdict is Verdict.BUSY
        patient = busy or (attempt.verdict is Verdict.REFUSED and attempt.wait is not None)
        spent = attempts == 1 if patient else state.attempt_number >= attempts
        too_often = state.attempt_number >= MOST_ATTEMPTS and not busy
        return spent or too_often or timing.clock() - begun + state.upcoming_sleep > timing.patience

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = _outcome(state).error
        report(f"{error.reason if error else 'waiting'}; next try in {duration(state.upcoming_sleep)}")

    return tenacity.Retrying(
        retry=tenacity.retry_if_result(again),
        wait=delay,
        stop=give_up,
        sleep=lambda seconds: pause(seconds, sleep=timing.sleep),
        before_sleep=before_sleep,
        retry_error_callback=_outcome,
    )


def _outcome(state: tenacity.RetryCallState) -> Attempt:
    if state.outcome is None:
        raise AssertionError("no attempt was made")
    result: Attempt = state.outcome.result()
    return result
