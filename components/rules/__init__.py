"""What keys of a stack file mean together.

The rules read a draft: a key with a wrong value hides nothing that is wrong elsewhere. One module a section; today's
date is handed in. Pure.
"""

from collections.abc import Callable, Iterator
from datetime import date

from components.draft import Draft
from components.findings import Broken, Finding, key
from components.rules.bootstrap import bootstrap_rules
from components.rules.companies import company_rules
from components.rules.confirm import confirm_rules
from components.rules.connection import connection_rules
from components.rules.instances import instance_rules
from components.rules.maps import map_rules

_RULES: tuple[Callable[[Draft], Iterator[Broken]], ...] = (
    instance_rules,
    connection_rules,
    company_rules,
    bootstrap_rules,
    map_rules,
)


def broken_rules(draft: Draft, today: date) -> list[Finding]:
    """Every rule that the draft breaks.

    What is wrong with a value itself is said by the model: no rule speaks of a place that is broken.
    """
    return [
        Finding(key(*draft.as_written(place)), text)
        for place, text in _broken(draft, today)
        if not draft.is_broken(*place)
    ]


def _broken(draft: Draft, today: date) -> Iterator[Broken]:
    for rule in _RULES:
        yield from rule(draft)
    yield from confirm_rules(draft, today)
