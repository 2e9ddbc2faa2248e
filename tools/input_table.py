"""`docs/inputs.md`, when a wrong value of every input is told: by the file alone, in a preview, or only by doing.

Made from the marks on the models of the resources, and from their types. An input without the mark ends it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from providers.protocol.marks import Checked, mark
from tools.change_table import PROVIDERS

_HEAD = """# What is known of an input, and when

For every input of every resource, what is wrong with a value of it and when that is told. Each cell names what is told;
an empty one means that nothing can be wrong with it there.

- **form**: told when the stack file is read, or by the resource's own check, as is all that the next column names.
- **by the file alone**: without asking a service.
- **in a preview**: the services are asked, before anything is written. What they do not tell is named as *not checked*.
- **only by doing**: the run ends with it, or says it. Nothing that stands in one of the columns before comes so late.
"""


class Row(NamedTuple):
    """One input of one resource."""

    resource: str
    field: str
    form: str
    checked: Checked


def rows() -> Iterator[Row]:
    """Every input of every resource, in the order of the models. Raises `ValueError` for one without its mark."""
    for provider in PROVIDERS:
        properties = provider.inputs.model_json_schema()["properties"]
        for name, field in provider.inputs.model_fields.items():
            yield Row(provider.resource, name, form(properties[name]), _checked(f"{provider.resource}.{name}", field))


def _checked(name: str, field: FieldInfo) -> Checked:
    marked = mark(field, Checked)
    if marked is None:
        raise ValueError(f"{name} has no mark `Checked`: say when a wrong value of it is told")
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
    text, last = _HEAD, ""
    for row in rows():
        if row.resource != last:
            text += f"\n## {row.resource}\n\n"
            text += (
                "| input | form | by the file alone | in a preview | only by doing |\n| --- | --- | --- | --- | --- |\n"
            )
            last = row.resource
        cells = (f"`{row.field}`", row.form, row.checked.file, row.checked.preview, row.checked.doing)
        text += f"| {' | '.join(cells)} |\n"
    return text + "\nMade from the models by `python -m tools.generated`; `make check` compares it.\n"
