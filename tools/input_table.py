"""`docs/inputs.md`, when a wrong value of every input is told: by the file alone, in a preview, or only by doing.

Made from the marks on the models of the resources, and from their types. An input without the mark ends it.
"""

from collections.abc import Mapping
from typing import Any

from providers.protocol.marks import Checked, mark
from tools import resource_inputs
from tools.resource_inputs import Input, inputs

_HEAD = """# What is known of an input, and when

For every input of every resource, what is wrong with a value of it and when that is told. Each cell names what is told;
an empty one means that nothing can be wrong with it there.

- **form**: told when the stack file is read, or by the resource's own check, as is all that the next column names.
- **by the file alone**: without asking a service.
- **in a preview**: the services are asked, before anything is written. What they do not tell is named as *not checked*.
- **only by doing**: the run ends with it, or says it. Nothing that stands in one of the columns before comes so late.
"""


def checked(each: Input) -> Checked:
    """When a wrong value is told. Raises `ValueError` for an input without the mark."""
    marked = mark(each.field, Checked)
    if marked is None:
        raise ValueError(f"{each.resource}.{each.name} has no mark `Checked`: say when a wrong value of it is told")
    return marked


def form(schema: Mapping[str, Any]) -> str:
    """The form of a value in words, from its JSON schema."""
    kinds = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return " or ".join(dict.fromkeys(_form(each) for each in kinds))


def _form(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    words = {
        "string": "text",
        "integer": "a whole number",
        "boolean": "yes or no",
        "array": "a list",
        "object": "a map",
    }
    return words.get(schema.get("type", "object"), "a map") + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    """Lengths, least value and whether there is a pattern."""
    least, most = schema.get("minLength"), schema.get("maxLength")
    length = f" of {least} to {most} characters" if least and most else " that is not empty" if least else ""
    bounds = (
        (length, length),
        (schema.get("minItems"), " with an entry"),
        (schema.get("pattern") and not length, " of a fixed form"),
        ("minimum" in schema, f" from {schema.get('minimum')} on"),
    )
    return "".join(text for applies, text in bounds if applies)


def page() -> str:
    """The whole page."""
    columns = ("input", "form", "by the file alone", "in a preview", "only by doing")
    return resource_inputs.page(_HEAD, columns, ((each.resource, _cells(each)) for each in inputs()))


def _cells(each: Input) -> tuple[str, ...]:
    told = checked(each)
    return (f"`{each.name}`", form(each.schema), told.file, told.preview, told.doing)
