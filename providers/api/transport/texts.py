"""Texts of services made fit for a terminal, once: where errors are made."""

import re

# Terminal sequences with their arguments, then the engine's own colour markup.
_SEQUENCES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]?"
)
_MARKUP = re.compile(r"<\{%.*?%\}>")
# Controls, invisible characters that turn the direction of a text or hide in it, and halves of surrogate pairs.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` on one line, without what a terminal or the engine would take as an order."""
    # Removing one sequence can bring the halves of another together.
    before = None
    while before != text:
        before, text = text, _MARKUP.sub("", _SEQUENCES.sub("", text))
    return " ".join(_UNSEEN.sub(" ", text).split())
