"""What a check has against inputs, without the codes, which tests/unit/providers/test_findings.py is about."""

from typing import Any

from providers.protocol.base import Provider


def check_findings(provider: Provider[Any, Any], olds: dict[str, Any], news: dict[str, Any]) -> list[tuple[str, str]]:
    """The path of each input that is refused, and the sentence about it."""
    return [(failure.property, _sentence(failure.reason)) for failure in provider.check(olds, news).failures or []]


def _sentence(reason: str) -> str:
    code, _, sentence = reason.partition(" ")
    assert code.startswith("DW-C")
    return sentence
