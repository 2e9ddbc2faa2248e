"""The refusals of the emulator, read off its code: status, code, text, and what says that the service refuses so.

A refusal is a call of one of `_MAKERS`. Above it stands a comment: `# Source: ...`, where status, code and words are
shown, `# Documented: ...`, where it is shown that the service refuses this, in other words or none, or `# Switch: ...`,
where it is refused only because a switch was set to that. Without one, in a function that only makes a refusal, the
section that its docstring names is the source; else it is assumed.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PACKAGES = {
    "core": ("bap, powerplatform", "power-platform-api.md"),
    "login": ("login", "dual-write-management-api.md"),
    "power_platform": ("bap, powerplatform", "power-platform-api.md"),
    "dataverse": ("dataverse", "dual-write-semantics.md"),
    "finance_operations": ("finops", "dual-write-semantics.md"),
    "dual_write": ("dualwrite", "dual-write-management-api.md"),
    "tables": ("dataverse, finops", "dual-write-semantics.md"),
}
# What makes a refusal, with its status where the call does not name one.
_MAKERS = {
    "ServiceError": 0,
    "refuse": 400,
    "refusal": 400,
    "bad_request": 400,
    "bad_query": 400,
    "bad_payload": 400,
    "invalid": 400,
    "conflict": 409,
    "not_found": 404,
    "FilterError": 400,
    "RowError": 400,
}
# Kinds of RowError that each plane says in words of its own.
_SAID_ELSEWHERE = {"missing", "duplicate", "incomplete", "unknown-column", "not-modelled"}
_SECTION = re.compile(r"(?:[\w-]+\.md )?\b(?:E\d+|\d+(?:\.\d+)+)(?: item \d+)?(?:, (?:\d+(?:\.\d+)*))*(?=[):;,. ]|$)")
_CODE = re.compile(r"0x[0-9A-Fa-f]{8}|[A-Z][A-Za-z]+(?:_[A-Z][A-Za-z]+)*|[a-z]+(?:_[a-z]+)+")
# How a comment is marked, with what begins the evidence then.
_MARKS = {"Source": "", "Documented": "documented: ", "Switch": "switch: "}
_SOURCE = re.compile(r"# (Source|Documented|Switch): (.+)")
_LEARN = "Microsoft Learn: Microsoft Entra authentication and authorization error codes"


@dataclass(frozen=True, order=True)
class Refusal:
    """One refusal. `evidence`: the source, "documented: " and the source, or "assumed"."""

    service: str
    status: int
    code: str
    text: str
    evidence: str


def refusals(root: Path) -> list[Refusal]:
    """Return the refusals of the services below `emulator/`, each once."""
    return sorted({one for package in _PACKAGES for one in _of_package(root / package, package)})


def _of_package(folder: Path, package: str) -> Iterator[Refusal]:
    for path in sorted(folder.glob("*.py")):
        source = path.read_text("utf-8")
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef) and function.name not in _MAKERS:
                yield from _of_function(function, source.splitlines(), package)


def _of_function(function: ast.FunctionDef, lines: list[str], package: str) -> Iterator[Refusal]:
    service, document = _PACKAGES[package]
    texts = _assigned_texts(function)
    for call in _calls(function):
        status, code = _numbers(call, _MAKERS[_name(call)])
        text = _said(call, texts) or _summary(function)
        if status not in {0, 501}:
            evidence = _marked(lines, call.lineno) or _of_code(function, code) or _of_docstring(function, document)
            yield Refusal(service, status, code, text, evidence)


def _calls(function: ast.FunctionDef) -> list[ast.Call]:
    """Return the calls that make a refusal whose words are the call's own."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return [call for call in calls if _name(call) in _MAKERS and _first(call) not in _SAID_ELSEWHERE]


def _first(call: ast.Call) -> str:
    """Return the first argument, without the quotes of a plain text."""
    return ast.unparse(call).partition("(")[2].partition(",")[0].strip("'")


def _said(call: ast.Call, texts: list[tuple[str, int, ast.expr]]) -> str:
    """Return the text of a refusal, "" when the call only passes on what somebody else says."""
    before = {name: value for name, line, value in texts if line < call.lineno}
    return next((text for each in call.args if " " in (text := _text(each, before))), "")


def _summary(function: ast.FunctionDef) -> str:
    """Return the first line of the docstring in parentheses; without one, the name of the function as words."""
    line = (ast.get_docstring(function) or "").partition("\n")[0].rstrip(".")
    return f"({line or function.name.strip('_').replace('_', ' ')})"


def _name(call: ast.Call) -> str:
    called = call.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _assigned_texts(function: ast.FunctionDef) -> list[tuple[str, int, ast.expr]]:
    """Return what is assigned to plain names of the function, with the line, in their order."""
    found = [
        (target.id, node.lineno, node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    return sorted(found, key=lambda each: each[1])


def _numbers(call: ast.Call, status: int) -> tuple[int, str]:
    """Return status and code of a refusal from the constants of its call."""
    code = ""
    for constant in (each.value for each in call.args if isinstance(each, ast.Constant)):
        if constant is None:
            continue
        if isinstance(constant, int) and constant < 600:
            status = constant
        elif isinstance(constant, int):
            code = f"AADSTS{constant}"
        elif not code and _CODE.fullmatch(str(constant)):
            code = str(constant)
    return status, code


def _text(node: ast.expr, texts: dict[str, ast.expr]) -> str:
    """Return a text with `...` for what is known only when it is said."""
    if isinstance(node, ast.Name) and node.id in texts:
        return _text(texts[node.id], {})
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, {}) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left, {}) + _text(node.right, {})
    return "..." if isinstance(node, ast.FormattedValue) else ""


def _marked(lines: list[str], number: int) -> str:
    """Return what the comment above a line names as its source; a call may begin a few lines below its statement."""
    above = "\n".join(lines[max(0, number - 3) : number - 1])
    found = _SOURCE.findall(above)
    return _MARKS[found[-1][0]] + str(found[-1][1]).strip() if found else ""


def _of_docstring(function: ast.FunctionDef, document: str) -> str:
    """Return the section that the docstring of a function names which only makes a refusal."""
    text = ast.get_docstring(function) or ""
    makes = isinstance(function.returns, ast.Name) and function.returns.id == "ServiceError"
    found = _SECTION.search(text) if makes and "assumed" not in text else None
    if found is None:
        return "assumed"
    return found[0] if ".md" in found[0] else f"{document} {found[0]}"


def _of_code(function: ast.FunctionDef, code: str) -> str:
    known = code.startswith("AADSTS") and "assumed" not in (ast.get_docstring(function) or "")
    return _LEARN if known else ""
