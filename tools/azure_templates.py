"""Azure pipelines as the service expands them: `each` over a parameter's default, and the two expressions in use."""

import re
from typing import Any

from tools.bags import entries

_EACH = re.compile(r"\$\{\{ each (\w+) in parameters\.(\w+) \}\}")


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    """The pipeline without template expressions, for its parameters' default values."""
    defaults = {each["name"]: each["default"] for each in entries(document, "parameters")}
    return {str(key): _expanded(value, defaults, {}) for key, value in document.items()}


def _expanded(value: Any, defaults: dict[str, Any], known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item, defaults, known) for key, item in value.items()}
    if isinstance(value, list):
        return [part for item in value for part in _item(item, defaults, known)]
    return _filled(value, known) if isinstance(value, str) else value


def _item(item: Any, defaults: dict[str, Any], known: dict[str, str]) -> list[Any]:
    """One entry of a list, or all entries of an `each`."""
    key = next(iter(item), "") if isinstance(item, dict) else ""
    each = _EACH.fullmatch(str(key))
    if each is None:
        return [_expanded(item, defaults, known)]
    found = (_expanded(item[key], defaults, {**known, each[1]: value}) for value in defaults[each[2]])
    return [part for parts in found for part in parts]


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace("${{ " + name + " }}", value)
        text = text.replace("${{ replace(" + name + ", '-', '_') }}", value.replace("-", "_"))
    return text
