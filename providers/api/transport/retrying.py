"""When a failed attempt is tried again, and after how long: tenacity, driven by verdicts instead of exceptions."""

import tenacity

from providers.api.transport.operations import duration, pause, report
from providers.api.transport.retry import Verdict, backoff
from providers.api.transport.timing import Attempt, Replay, Timing


def retrying(replay: Replay, attempts: int, wait_busy: bool, timing: Timing) -> tenacity.Retrying:
    """The schedule of one call; called with a function that gives an `Attempt`, it returns the last one."""

    def again(attempt: Attempt) -> bool:
        repeatable = {Verdict.REFUSED: True, Verdict.BUSY: wait_busy, Verdict.UNCLEAR: replay == "safe"}
        return attempt.error is not None and repeatable.get(attempt.verdict, False)

    def delay(state: tenacity.RetryCallState) -> float:
        attempt = _outcome(state)
        if attempt.wait is not None:
            return attempt.wait
        return timing.busy if attempt.verdict is Verdict.BUSY else backoff(state.attempt_number, timing.random)

    def give_up(state: tenacity.RetryCallState) -> bool:
        attempt = _outcome(state)
        # Who says when to come back, or has to finish something first, is worth more than a number of attempts.
        patient = attempt.verdict is Verdict.BUSY or (attempt.verdict is Verdict.REFUSED and attempt.wait is not None)
        spent = attempts == 1 if patient else state.attempt_number >= attempts
        return spent or state.idle_for + state.upcoming_sleep > timing.patience

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
