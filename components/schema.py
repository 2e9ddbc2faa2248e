"""The JSON schema of stack files, for editors: `python -m components.schema` writes it, `--check` compares it."""

import json
import sys
from pathlib import Path
from typing import Any

from components.stack import NAMESPACE, Stack

FILE = Path(__file__).resolve().parent.parent / "stacks" / "stack-file.schema.json"


def schema() -> dict[str, Any]:
    """The schema of a whole `Pulumi.<stack>.yaml`; keys of other namespaces are left alone."""
    model = Stack.model_json_schema(by_alias=True)
    keys = {f"{NAMESPACE}:{name}": value for name, value in model["properties"].items()}
    others = {"not": {"pattern": f"^({NAMESPACE}:.*|[^:]*)$"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A dual-write stack file",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "required": [f"{NAMESPACE}:{name}" for name in model["required"]],
                "propertyNames": {"anyOf": [{"enum": list(keys)}, others]},
            }
        },
        "required": ["config"],
        "$defs": model["$defs"],
    }


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` say whether it is current; the exit code."""
    text = json.dumps(schema(), indent=2) + "\n"
    if arguments == ["--check"]:
        if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{FILE.name} is stale: run `python -m components.schema`\n")
        return 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
