"""Reading a stack file from disk, in one place: what is no stack file is told in one line, before anything starts.

The checks of the keys themselves are the program's (`components.config`). Here is what keeps the Pulumi CLI, or YAML
itself, from handing it the file as it is meant: other encodings, keys that stand twice, aliases without end.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

# The longest file of a stack that anybody wrote by hand is far below; all 213 maps overridden are some 40 KB.
_LARGEST = 1_000_000
_MOST_VALUES = 100_000
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class StackFileError(Exception):
    """What is wrong with the file and what to do; the text goes on after the file's name."""


class StackFile(NamedTuple):
    """The values below `config:` by full key (`dualwrite:cds`), and what its secrets are encrypted with.

    `encryption`: `passphrase`, the address of a key service (`azurekeyvault://...`), or empty where the file says none.
    """

    config: dict[str, Any]
    encryption: str


def read(path: Path) -> StackFile:
    """A stack file. `StackFileError` when it is none."""
    try:
        loader = yaml.SafeLoader(_text(path))
        node = loader.get_single_node()
        _check_size(node)
        _check_keys(node)
        document: Any = loader.construct_document(node) if node else None
    except RecursionError:
        raise StackFileError("is nested too deeply; a stack file has some five levels") from None
    except yaml.YAMLError as error:
        raise StackFileError(f"is not YAML: {_in_one_line(error)}") from None
    config = _config(document)  # refuses a document that is no map
    by_passphrase = "passphrase" if document.get("encryptionsalt") else ""
    return StackFile(config, str(document.get("secretsprovider") or by_passphrase))


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST:
        raise StackFileError(f"has {path.stat().st_size:,} bytes; a stack file has {_LARGEST:,} at most")
    content = path.read_bytes()
    for mark, name in _OTHER_ENCODINGS.items():
        if content.startswith(mark):
            raise StackFileError(f"is written in {name}; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StackFileError(f"is not UTF-8 (line {line}); save it as UTF-8") from None


def _top(document: Any) -> dict[str, Any]:
    if document is None:
        return {}
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a text"
        raise StackFileError(f"has {kind} at the top; it begins with `config:`, and the keys stand below")
    return document


def _config(document: Any) -> dict[str, Any]:
    config = _top(document).get("config")
    if not config:
        raise StackFileError(
            "has nothing below `config:`; a pair needs `dualwrite:cds`, `dualwrite:finops` and `dualwrite:maps` there"
        )
    if not isinstance(config, dict):
        raise StackFileError("has no keys below `config:`; write each as `dualwrite:<section>: <value>`")
    return {str(key): value for key, value in config.items()}


def _check_size(node: yaml.Node | None) -> None:
    """Refuse aliases that stand for more values than anybody means: each use of one counts all that it stands for."""
    sizes: dict[int, int] = {}

    def size(one: yaml.Node) -> int:
        known = sizes.get(id(one))
        if known is None:
            sizes[id(one)] = _MOST_VALUES
            sizes[id(one)] = known = min(1 + sum(size(each) for each in _below(one)), _MOST_VALUES)
        return known

    if node is not None and size(node) >= _MOST_VALUES:
        raise StackFileError(
            f"has aliases (`*name`) that stand for more than {_MOST_VALUES:,} values; write the values out"
        )


def _check_keys(node: yaml.Node | None) -> None:
    """Refuse a key that stands twice in one map, where YAML would let the last one win."""
    waiting, seen = [node] if node else [], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        waiting += _below(one)
        if isinstance(one, yaml.MappingNode):
            _refuse_twice(key for key, _ in one.value)


def _refuse_twice(keys: Iterator[yaml.Node]) -> None:
    lines: dict[str, int] = {}
    for key in keys:
        if isinstance(key, yaml.ScalarNode):
            line = key.start_mark.line + 1
            if key.value in lines:
                raise StackFileError(f"has `{key.value}` twice, in lines {lines[key.value]} and {line}; keep one")
            lines[key.value] = line


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _in_one_line(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        what = " ".join(part for part in (error.context, error.problem) if part)
        return f"{what} (line {error.problem_mark.line + 1})"
    return " ".join(str(error).split())
