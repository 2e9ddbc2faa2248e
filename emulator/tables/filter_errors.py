"""What is wrong with a `$filter` or `$orderby`."""

from emulator.core.microsoft_names import Name
from emulator.data.schemas import Table


class FilterError(Exception):
    """The expression is refused; the text is what the service would say. `name`: what it does not know, if any."""

    def __init__(self, text: str, name: Name | None = None) -> None:
        super().__init__(text)
        self.name = name


class FilterNotModelledError(FilterError):
    """A part of the expression that the emulator does not play, whether or not the service does."""

    def __init__(self, what: str) -> None:
        super().__init__(what, Name("option", what))


def unknown(schema: Table, name: str) -> FilterError:
    """Return the refusal of a property that the table does not have."""
    space = "Microsoft.Dynamics.CRM" if schema.plane == "dataverse" else "Microsoft.Dynamics.DataEntities"
    text = f"Could not find a property named '{name}' on type '{space}.{schema.logical}'."
    listed = None if has_in_other_case(schema, name) else Name(f"{schema.plane} property", name, schema.listed_as)
    # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors; public reports of F&O: 400 with this text
    return FilterError(text, listed)


def without_in(schema: Table) -> FilterError:
    """Return what `in` is answered with: F&O has none, to Dataverse it is not implemented (DynamicsWebApi#121)."""
    if schema.plane == "dataverse":
        return FilterNotModelledError("in")
    # Documented: dual-write-semantics.md 12.1
    return FilterError("The 'in' operator is not supported.")


def has_in_other_case(schema: Table, name: str) -> bool:
    """Return whether the table has that property or navigation property, but for the case: a spelling mistake."""
    names = {*schema.properties(), *schema.columns, *schema.navigations()}
    return name not in names and name.lower() in {one.lower() for one in names}
