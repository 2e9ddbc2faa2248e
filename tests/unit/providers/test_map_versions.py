"""Which version of a map a pin means, and what is said when it means none or two."""

from typing import Any

import pytest

from providers.api.dual_write.models import EntityMapStatus
from providers.maps.saved_versions import Filters, read_filters
from providers.maps.versions import NoSuchVersionError, chosen, newest_of, offered, same_number


def template(number: str, author: str = "Microsoft", identifier: str = "") -> dict[str, Any]:
    parts = dict(zip(("major", "minor", "build", "revision"), map(int, number.split(".")), strict=True))
    return {"id": identifier or f"{author}-{number}", "author": author, "version": parts}


def a_map(*templates: dict[str, Any], active: str = "") -> EntityMapStatus:
    detail = {"tid": active or templates[0]["id"], "tName": "a", "templates": list(templates)}
    return EntityMapStatus.model_validate({"detail": detail})


TWO = a_map(template("1.0.0.0"), template("1.0.0.10"), template("1.0.0.9"), template("9.9.9.9", "Parked"))


@pytest.mark.parametrize(
    ("version", "author", "identifier"),
    [
        ("1.0.0.9", None, "Microsoft-1.0.0.9"),
        ("1.0", "Microsoft", "Microsoft-1.0.0.0"),
        ("latest", "Microsoft", "Microsoft-1.0.0.10"),
        ("latest (resolved in up)", "Microsoft", "Microsoft-1.0.0.10"),
        ("9.9.9.9", None, "Parked-9.9.9.9"),
    ],
)
def test_pin_means_one_version(version: str, author: str | None, identifier: str) -> None:
    assert chosen(TWO, version, author).id == identifier


@pytest.mark.parametrize(("version", "author"), [("1.0.0.1", None), ("1.0.0.9", "Parked"), ("latest", "Nobody")])
def test_pin_that_is_not_offered_lists_all_versions_newest_first(version: str, author: str | None) -> None:
    with pytest.raises(NoSuchVersionError, match=r"there are 9\.9\.9\.9 \(Parked\), 1\.0\.0\.10 \(Microsoft\), "):
        chosen(TWO, version, author)


def test_number_of_two_authors_lists_both() -> None:
    both = a_map(template("1.0.0.0"), template("1.0.0.0", "Contoso"))
    with pytest.raises(NoSuchVersionError, match="offered by Contoso and Microsoft: name the `author`"):
        chosen(both, "1.0.0.0", None)
    assert chosen(both, "1.0.0.0", "Contoso").id == "Contoso-1.0.0.0"


def test_of_copies_the_active_one_is_meant() -> None:
    copies = [template("1.0.0.0", identifier=name) for name in ("c", "b", "d")]
    assert chosen(a_map(*copies, active="d"), "1.0.0.0", None).id == "d"
    assert chosen(a_map(*copies, template("2.0.0.0"), active="Microsoft-2.0.0.0"), "1.0.0.0", None).id == "b"


def test_numbers_are_compared_as_numbers() -> None:
    assert same_number("1.0", "1.0.0.0")
    assert not same_number("1.0.0.1", "1.0.0.10")
    assert not same_number("not installed", "1.0.0.0")
    assert newest_of(TWO, "Microsoft") == "1.0.0.10"
    assert offered(a_map(template("1.0.0.0"), template("1.0.0.0", identifier="copy"))) == "1.0.0.0 (Microsoft)"


@pytest.mark.parametrize(
    ("mapping", "filters"),
    [
        ('{"legs": [{"sourceFilter": "a == 1", "reversedSourceFilter": "b eq 1"}]}', Filters("a == 1", "b eq 1")),
        ('"{\\"legs\\": [{\\"sourceFilter\\": \\"a\\"}]}"', Filters("a", "")),
        ("no json", None),
        ('{"legs": []}', None),
        (None, None),
    ],
)
def test_filters_are_read_from_json_within_json_too(mapping: object, filters: Filters | None) -> None:
    assert read_filters(mapping) == filters
