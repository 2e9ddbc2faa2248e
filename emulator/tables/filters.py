"""`$filter`: the parsed expression as SQL over the JSON of a row.

Logic is two-valued as OData defines it: `null eq null` is true, an order comparison with null is false. Text compares
without regard to case. The parser is the library odata-query's; what each plane does not know is refused here
(dual-write-semantics.md 12.1, 12.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from odata_query import ast

from emulator.data.schemas import Column, Table, table
from emulator.tables.filter_errors import FilterError, FilterNotModelledError, unknown, without_in
from emulator.tables.filter_syntax import parse
from emulator.tables.keys import Condition, json_path, space_of
from emulator.tables.values import ValueRefusedError, coerce

_NUMBERS = {"integer", "decimal", "option"}
_ORDER = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%"}
# Functions of OData of which no source says that F&O refuses them. The Web API says of some that it does not support
# them (MicrosoftDocs/powerapps-docs#4040); no source shows with which status.
_OPEN = {
    *("ceiling", "concat", "date", "day", "floor", "hour", "indexof", "minute"),
    *("month", "now", "round", "second", "substring", "time", "year"),
}
_ROW_ID = "r.id"
_EDM = {"text": "Edm.String", "number": "Edm.Decimal", "boolean": "Edm.Boolean", "null": "Null", "entity": "an entity"}


@dataclass(frozen=True)
class _Sql:
    sql: str
    kind: str
    parameters: tuple[object, ...] = ()
    column: Column | None = None
    literal: object = None


def compile_filter(schema: Table, host: str, text: str) -> Condition:
    """Return the condition of a `$filter`; FilterError when it is malformed or names what is not there."""
    compiled = _Compiler(schema, host).boolean(parse(schema, text))
    return Condition(compiled.sql, compiled.parameters)


@dataclass(frozen=True)
class Order:
    """One part of an `$orderby`: the property, its SQL expression (collation included) and direction."""

    name: str
    sql: str
    descending: bool

    def after(self, value: object) -> str:
        """Return the SQL that tells whether a row stands behind one with this value; NULL is the smallest."""
        if self.sql == _ROW_ID:
            return f"{self.sql} {'<' if self.descending else '>'} ?"
        if self.descending:
            return "0" if value is None else f"({self.sql} < ? OR {self.sql} IS NULL)"
        return f"{self.sql} IS NOT NULL" if value is None else f"{self.sql} > ?"


def orders(schema: Table, host: str, text: str) -> list[Order]:
    """Return the parts of an `$orderby`; FilterError for an unknown property or direction."""
    parts = []
    for item in text.split(","):
        name, _, direction = item.strip().partition(" ")
        if direction.strip() not in {"", "asc", "desc"}:
            msg = f"Syntax error in '{item.strip()}'."
            # Documented: OData 4.0 Part 2, System Query Option $orderby
            raise FilterError(msg)
        compiled = _Compiler(schema, host).value(ast.Identifier(name))
        collate = " COLLATE NOCASE" if compiled.kind == "text" else ""
        # The property is one of the table's own, so its name cannot break out of the path.
        sql = f"json_extract(r.data, '{compiled.parameters[0]}'){collate}"
        is_id = schema.plane == "dataverse" and (name,) == schema.key
        parts.append(Order(name, _ROW_ID if is_id else sql, direction.strip() == "desc"))
    return parts


def order_by(schema: Table, host: str, text: str) -> str:
    """Return the ORDER BY of an `$orderby`; FilterError for an unknown property or direction."""
    return order_clause(orders(schema, host, text))


def order_clause(parts: Sequence[Order]) -> str:
    """Return the parts as an ORDER BY."""
    return ", ".join(f"{part.sql}{' DESC' if part.descending else ''}" for part in parts)


def behind(parts: Sequence[Order], values: Sequence[object], seq: int) -> Condition:
    """Return the condition that a row stands behind the one with these values and this place in the table."""
    steps, parameters, equal = [], [], ""
    equal_values: list[object] = []
    for part, value in zip(parts, values, strict=True):
        step = part.after(value)
        steps.append(f"{equal}{step}")
        parameters += [*equal_values, *([value] if "?" in step else [])]
        if part.sql == _ROW_ID:
            # No two rows share it, and by itself the condition lets the index lead straight to the next row.
            return Condition(" OR ".join(f"({step})" for step in steps), tuple(parameters))
        equal += f"{part.sql} IS ? AND "
        equal_values.append(value)
    steps.append(f"{equal}r.seq > ?")
    return Condition(" OR ".join(f"({step})" for step in steps), (*parameters, *equal_values, seq))


class _Compiler:
    """Turns one expression into SQL; the row's alias is `r`."""

    def __init__(self, schema: Table, host: str) -> None:
        self._schema = schema
        self._host = host

    def boolean(self, node: object) -> _Sql:
        """Return an expression that is 0 or 1, never NULL."""
        match node:
            case ast.BoolOp():
                word = "AND" if isinstance(node.op, ast.And) else "OR"
                return _joined(self.boolean(node.left), word, self.boolean(node.right), "boolean")
            case ast.UnaryOp() if isinstance(node.op, ast.Not):
                inner = self.boolean(node.operand)
                return _Sql(f"(NOT {inner.sql})", "boolean", inner.parameters)
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._condition(node)
            case ast.Boolean():
                return _Sql("1" if node.py_val else "0", "boolean")
            case ast.Identifier() | ast.Attribute():
                value = self.value(node)
                if value.kind != "boolean":
                    raise _not_boolean(node)
                return _Sql(f"IFNULL({value.sql}, 0)", "boolean", value.parameters)
            case _:
                raise _not_boolean(node)

    def _compare(self, node: ast.Compare) -> _Sql:
        if isinstance(node.comparator, ast.In):
            raise without_in(self._schema)
        left, right = self.value(node.left), self.value(node.right)
        left, right = _fitted(left, right), _fitted(right, left)
        if "null" not in {left.kind, right.kind} and left.kind != right.kind:
            kinds = f"'{_EDM[left.kind]}' and '{_EDM[right.kind]}'"
            msg = f"A binary operator with incompatible types was detected. Found operand types {kinds}."
            # Documented: OData 4.0 Part 2, Logical Operators; the text is OData.NET's
            raise FilterError(msg)
        parameters = left.parameters + right.parameters
        collate = " COLLATE NOCASE" if "text" in {left.kind, right.kind} else ""
        if isinstance(node.comparator, ast.Eq | ast.NotEq):
            return self._equality(left, right, parameters, negated=isinstance(node.comparator, ast.NotEq))
        if self._is_enum(left) or self._is_enum(right):
            msg = "Enumerations compare with eq and ne only."
            # Documented: dual-write-semantics.md 12.1
            raise FilterError(msg)
        word = _ORDER[type(node.comparator)]
        return _Sql(f"IFNULL({left.sql} {word} {right.sql}{collate}, 0)", "boolean", parameters)

    def _equality(self, left: _Sql, right: _Sql, parameters: tuple[object, ...], *, negated: bool) -> _Sql:
        word = "IS NOT" if negated else "IS"
        if self._is_own_company(left, right):
            literal = right.literal.casefold() if isinstance(right.literal, str) else None
            return _Sql(f"(r.company {word} ?)", "boolean", (literal,))
        if self._schema.plane == "finops" and isinstance(right.literal, str) and "*" in right.literal:
            return _like(left, right.literal, negated=negated)
        collate = " COLLATE NOCASE" if "text" in {left.kind, right.kind} else ""
        return _Sql(f"({left.sql} {word} {right.sql}{collate})", "boolean", parameters)

    def _is_own_company(self, left: _Sql, right: _Sql) -> bool:
        """Return whether the row's own company, which has an index, is compared with a value."""
        company = left.column is not None and left.column.property == self._schema.company
        return company and right.column is None and left.sql.startswith("json_extract(r.")

    def _is_enum(self, side: _Sql) -> bool:
        return side.column is not None and side.column.type == "enum"

    def _condition(self, node: ast.Call) -> _Sql:
        name = _full_name(node.func)
        patterns: dict[str, str] = {
            "contains": "instr({0}, {1}) > 0",
            "startswith": "substr({0}, 1, length({1})) = {1}",
            "endswith": "substr({0}, -length({1})) = {1}",
        }
        if name not in patterns or len(node.args) != 2:
            if name in _OPEN:
                raise FilterNotModelledError(name)
            msg = f"An unknown function with name '{name}' was found."
            # Documented: OData 4.0 Part 2, Built-in Filter Operations; the text is OData.NET's
            raise FilterError(msg)
        left, right = self._text(node.args[0]), self._text(node.args[1])
        twice = name != "contains"
        sql = patterns[name].format(f"lower({left.sql})", f"lower({right.sql})")
        if name == "endswith":
            # substr(x, -0) is the whole text, and every text ends with the empty one.
            sql = f"(length({right.sql}) = 0 AND {left.sql} IS NOT NULL) OR {sql}"
            parameters = right.parameters + left.parameters + left.parameters + right.parameters + right.parameters
            return _Sql(f"IFNULL(({sql}), 0)", "boolean", parameters)
        parameters = left.parameters + right.parameters + (right.parameters if twice else ())
        return _Sql(f"IFNULL(({sql}), 0)", "boolean", parameters)

    def _text(self, node: object) -> _Sql:
        value = self.value(node)
        if value.kind not in {"text", "null"}:
            msg = "No function signature matches the specified arguments."
            # Source: MicrosoftDocs/powerapps-docs#4040 (shortened)
            raise FilterError(msg)
        return value

    def value(self, node: object) -> _Sql:
        """Return an expression with a value."""
        match node:
            case ast.Identifier():
                return self._column(_full_name(node))
            case ast.Attribute():
                return self._path(node)
            case ast.BinOp():
                return _joined(self.value(node.left), _ARITHMETIC[type(node.op)], self.value(node.right), "number")
            case ast.UnaryOp() if isinstance(node.op, ast.USub):
                inner = self.value(node.operand)
                return _Sql(f"(-{inner.sql})", "number", inner.parameters)
            case ast.Call():
                return self._function(node)
            case _:
                return _literal(node) or self.boolean(node)

    def _function(self, node: ast.Call) -> _Sql:
        name = _full_name(node.func)
        words = {"tolower": "lower", "toupper": "upper", "trim": "trim", "length": "length"}
        if name in words and len(node.args) == 1:
            inner = self._text(node.args[0])
            kind = "number" if name == "length" else "text"
            return _Sql(f"{words[name]}({inner.sql})", kind, inner.parameters)
        return self._condition(node)

    def _column(self, name: str) -> _Sql:
        column = self._schema.property(name)
        if column is None:
            # A navigation property compares with null alone: whether the lookup is empty.
            return _Sql("json_extract(r.data, ?)", "entity", (json_path(_property_of(self._schema, name)),))
        return _Sql("json_extract(r.data, ?)", _kind(column), (json_path(name),), column)

    def _path(self, node: ast.Attribute) -> _Sql:
        """Return the value at the end of a chain of lookups: `owningbusinessunit/name`."""
        names: list[str] = []
        step: object = node
        while isinstance(step, ast.Attribute):
            names.insert(0, step.attr)
            step = step.owner
        names.insert(0, _full_name(step) if isinstance(step, ast.Identifier) else "")
        schema, kind = self._schema, "null"
        expression = "json_extract(r.data, ?)"
        parameters: list[object] = [json_path(_property_of(schema, names[0]))]
        for depth, name in enumerate(names[1:]):
            _, target = _lookup(schema, names[depth])
            schema = table(schema.plane, target)
            end = schema.property(name if depth == len(names) - 2 else _property_of(schema, name))
            if end is None:
                raise unknown(schema, name)
            row = f"SELECT data FROM rows n{depth} WHERE n{depth}.space = ? AND n{depth}.id = {expression}"  # noqa: S608
            expression, kind = f"json_extract(({row}), ?)", _kind(end)
            parameters = [space_of(schema.plane, self._host, target), *parameters, json_path(end.property)]
        return _Sql(expression, kind, tuple(parameters))


def _not_boolean(node: object) -> FilterError:
    if isinstance(node, ast.CollectionLambda):
        return FilterNotModelledError(type(node.operator).__name__.lower())
    # Documented: OData 4.0 Part 2, Filter System Query Option; the text is OData.NET's
    return FilterError("The $filter expression must evaluate to a single boolean value.")


def _literal(node: object) -> _Sql | None:
    """Return a constant, None for any other expression."""
    match node:
        case ast.Null():
            return _Sql("NULL", "null")
        case ast.Boolean():
            return _Sql("1" if node.py_val else "0", "boolean", literal=node.py_val)
        case ast.Integer() | ast.Float():
            return _Sql("?", "number", (node.py_val,), literal=node.py_val)
        case ast.String() | ast.GUID() | ast.DateTime() | ast.Date():
            return _Sql("?", "text", (node.val,), literal=node.val)
        case _:
            return None


def _joined(left: _Sql, word: str, right: _Sql, kind: str) -> _Sql:
    return _Sql(f"({left.sql} {word} {right.sql})", kind, left.parameters + right.parameters)


def _like(side: _Sql, literal: str, *, negated: bool) -> _Sql:
    """Return the comparison with a text in which `*` stands for anything."""
    pattern = "".join("%" if char == "*" else _escaped(char) for char in literal)
    test = f"IFNULL({side.sql} LIKE ? ESCAPE '\\', 0)"
    return _Sql(f"(NOT {test})" if negated else test, "boolean", (*side.parameters, pattern))


def _full_name(identifier: ast.Identifier) -> str:
    return ".".join((*identifier.namespace, identifier.name))


def _lookup(schema: Table, navigation: str) -> tuple[Column, str]:
    found = schema.navigation(navigation)
    if found is None:
        raise unknown(schema, navigation)
    return found


def _property_of(schema: Table, navigation: str) -> str:
    return _lookup(schema, navigation)[0].property


def _kind(column: Column) -> str:
    if column.type in _NUMBERS:
        return "number"
    return "boolean" if column.type == "boolean" else "text"


def _fitted(side: _Sql, other: _Sql) -> _Sql:
    """Bring a literal into the form in which the other side's column is stored."""
    column = other.column
    if column is None or column.type != "datetime" or not isinstance(side.literal, str):
        return side
    try:
        return _Sql(side.sql, side.kind, (coerce(column, side.literal),), literal=side.literal)
    except ValueRefusedError as error:
        # Documented: OData 4.0 Part 2, Literals
        raise FilterError(str(error)) from None


def _escaped(char: str) -> str:
    return f"\\{char}" if char in "%_\\" else char
