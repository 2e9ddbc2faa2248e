"""What addresses of rows have in common on both planes: an entity set, a key in parentheses, quoted values."""

import re

SYNTAX_ERROR = "Bad Request - Error in query syntax."


def split_set(path: str) -> tuple[str, str]:
    """Return the entity set at the start of a path below the service root, and what follows it."""
    name = re.match(r"\w*", path)
    entity_set = name.group(0) if name else ""
    return entity_set, path[len(entity_set) :]


def closing(text: str) -> int | None:
    """Return where the parenthesis at the start of the text is closed, None when it is not; quotes hide others."""
    if "'" not in text and ")" in text:
        return text.index(")")
    quoted = False
    for index, char in enumerate(text):
        quoted ^= char == "'"
        if char == ")" and not quoted:
            return index
    return None


def unquoted(literal: str) -> str:
    """Return a literal's text, without the quotes of a string."""
    literal = literal.strip()
    return literal[1:-1].replace("''", "'") if literal.startswith("'") else literal


def without_skip_token(query_string: str) -> list[str]:
    """Return the parts of a query string but for `$skiptoken`."""
    parts = query_string.split("&")
    return [part for part in parts if part and not part.startswith(("$skiptoken", "%24skiptoken"))]
