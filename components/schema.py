"""The JSON schema of stack files, for editors."""

import json
from typing import Any

from components.stack import NAMESPACE, Stack


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


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(schema(), indent=2) + "\n"
