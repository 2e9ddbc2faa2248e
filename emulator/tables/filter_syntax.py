"""Reading a `$filter`: the parser is the library odata-query's; enumerations of F&O are plain text to it."""

import re

from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from emulator.core.microsoft_names import Name
from emulator.data.schemas import Table
from emulator.tables.filter_errors import FilterError, without_in

_ENUM_LITERAL = re.compile(r"Microsoft\.Dynamics\.DataEntities\.\w+'((?:[^']|'')*)'")
_IN = re.compile(r"\sin\s*\(")
_TEXT = re.compile(r"'(?:[^']|'')*'")
_QUERY_FUNCTION = re.compile(r"Microsoft\.Dynamics\.CRM\.\w+")


def parse(schema: Table, text: str) -> object:
    """Return the parsed expression; FilterError when it is malformed or calls a query function of Dataverse."""
    prepared = _ENUM_LITERAL.sub(r"'\1'", text) if schema.plane == "finops" else text
    if schema.plane == "dataverse" and (function := _QUERY_FUNCTION.search(prepared)):
        msg = f"An unknown function with name '{function[0]}' was found."
        # Documented: OData 4.0 Part 2, Filter System Query Option; the text is OData.NET's
        raise FilterError(msg, Name("dataverse query function", function[0]))
    tree = _tree(prepared)
    if tree is None and _IN.search(_TEXT.sub("''", prepared)):
        # The library takes no list of one value.
        raise without_in(schema)
    if tree is None:
        msg = f"Syntax error in '{text}'."
        # Documented: OData 4.0 Part 2, Filter System Query Option
        raise FilterError(msg)
    return tree


def _tree(text: str) -> object:
    """Return the parsed expression, None when it is none."""
    try:
        return ODataParser().parse(ODataLexer().tokenize(text))
    except (ODataException, ValueError, AttributeError):
        return None
