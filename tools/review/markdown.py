"""The page in Markdown of GitHub and Azure DevOps: names are escaped, long parts folded, the whole is bounded. Pure."""

import json
import re
from collections.abc import Mapping, Sequence

from tools.review.content import MAPS_SHOWN, Content, MapChange, Section

LIMIT = 60_000
# One line of a name that nobody reads further.
_LINE_LIMIT = 600
# Fewer and fewer lines of a section until the page fits.
_CAPS = ((20, 400), (20, 200), (15, 50), (10, 10), (5, 0))
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~])")
# An ampersand that would be read as the beginning of another sign.
_ENTITY = re.compile(r"&(?=#?\w+;)")
_MARKER = "<!-- dual-write-page {} -->"
_PARTS = re.compile(r"<!-- dual-write-plan (\{.*?\}) -->")


def marker(stack: str) -> str:
    """The hidden first line, by which a pipeline finds the comment of a stack to write it anew."""
    return _MARKER.format(stack.replace("--", "-"))


def page(content: Content) -> str:
    """The whole page, at most 60,000 characters."""
    for shown, folded in _CAPS:
        text = _written(content, shown, folded, hidden=True)
        if len(text) <= LIMIT:
            return text
    # Still too long: what is hidden goes, and the digest alone names the plan.
    text = _written(content, *_CAPS[-1], hidden=False)
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def plan_of(text: str) -> tuple[str, dict[str, str]] | None:
    """Digest and parts that a page carries; None when it is no page."""
    found = _PARTS.search(text)
    if found is None:
        return None
    plan = json.loads(found[1].replace("\\u002d", "-"))
    return str(plan["digest"]), {str(urn): str(part) for urn, part in plan["parts"].items()}


def escaped(text: str) -> str:
    """Text as it is, whatever stands in it: no markup, no mention, no second line."""
    text = " ".join(text.split())
    if len(text) > _LINE_LIMIT:
        text = text[:_LINE_LIMIT] + "…"
    text = _ENTITY.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    text = _SPECIAL.sub(r"\\\1", text)
    text = re.sub(r"^(\d+)([.)])|^([#+-])", r"\1\\\2\3", text)
    return text.replace("@", "@\u200b").replace("#", "#\u200b")


def _written(content: Content, shown: int, folded: int, *, hidden: bool) -> str:
    lines = [marker(content.stack), f"### {escaped(content.stack)}: {escaped(content.headline)}", ""]
    for section in content.sections:
        lines += _section(section, shown, folded)
    if content.digest:
        lines.append(f"Digest of this plan: `{content.digest}`")
    if content.digest and hidden:
        lines.append(f"<!-- dual-write-plan {_hidden(content.digest, content.parts)} -->")
    return "\n".join(lines) + "\n"


def _section(section: Section, shown: int, folded: int) -> list[str]:
    lines = [f"**{section.heading}**", ""]
    lines += [f"- {escaped(text)}" for text in section.lines[:shown]]
    if section.lines:
        lines.append("")
    lines += _table(section.maps)
    late = [*section.lines[shown:], *section.folded]
    heading = section.folded_heading if len(section.lines) <= shown else f"{len(late)} more"
    return lines + (_details(heading, late, folded) if late else [])


def _details(heading: str, texts: list[str], at_most: int) -> list[str]:
    """What a reader unfolds."""
    lines = [f"- {escaped(text)}" for text in texts[:at_most]]
    if len(texts) > at_most:
        lines.append(f"- … and {len(texts) - at_most} more: `make preview ARGS=--diff` shows all")
    return [f"<details><summary>{escaped(heading)}</summary>", "", *lines, "", "</details>", ""]


def _table(maps: Sequence[MapChange]) -> list[str]:
    if not maps:
        return []
    rows = [
        f"| {escaped(change.before)} | {escaped(change.after)} | {len(change.names)} | "
        f"{', '.join(map(escaped, change.names)) if len(change.names) <= MAPS_SHOWN else 'listed below'} |"
        for change in maps[:20]
    ]
    return ["| maps from | to | count | names |", "| --- | --- | --- | --- |", *rows, ""]


def _hidden(digest: str, parts: Mapping[str, str]) -> str:
    """JSON that no comment can end early."""
    return (
        json.dumps({"digest": digest, "parts": parts}, ensure_ascii=True)
        .replace("--", "\\u002d\\u002d")
        .replace(">", "\\u003e")
    )
