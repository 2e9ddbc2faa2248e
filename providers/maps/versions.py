"""Versions of an entity map: which one a pin means among those that the link offers. Pure.

dual-write-management-api.md 7.4. A number may come from several authors, and the highest need not be the wanted one:
parked versions such as 9.9.9.9 exist. So nothing is chosen silently: `latest` means that of one named author.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from providers.protocol.versions import parts
from providers.protocol.words import CHOICES, first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus, MapTemplate

LATEST = "latest"
# What a preview shows in place of a number while there is no link, or no token, to find it with.
UNRESOLVED = "latest (resolved in up)"
NOT_INSTALLED = "not installed"


class NoSuchVersionError(Exception):
    """A pin that no version of the map, or more than one, answers to."""


def is_number(version: str) -> bool:
    """Whether a version is a number, not a word."""
    return version not in (LATEST, UNRESOLVED, NOT_INSTALLED)


def same_number(one: str, other: str) -> bool:
    """Whether two versions are the same; `1.0.0` is `1.0.0.0`."""
    if is_number(one) and is_number(other):
        return parts(one) == parts(other)
    return one == other


def chosen(status: EntityMapStatus, version: str, author: str | None) -> MapTemplate:
    """The version that a pin means. Raises `NoSuchVersionError`, which lists what there is.

    Copies of one version (same number, same author) exist: the active one is meant, else the first by id.
    """
    fitting = _fitting(status, version, author)
    if not fitting:
        raise NoSuchVersionError(f"{_spelled(version, author)} is not offered; there are {offered(status)}")
    _require_one_author(fitting, version)
    active = next((each for each in fitting if each.id == status.detail.tid), None)
    return active or min(fitting, key=lambda each: each.id)


def _require_one_author(fitting: Sequence[MapTemplate], version: str) -> None:
    authors = sorted({each.author or "" for each in fitting})
    if len(authors) > 1:
        raise NoSuchVersionError(f"version {version} is offered by {' and '.join(authors)}: name the `author`")


def _fitting(status: EntityMapStatus, version: str, author: str | None) -> list[MapTemplate]:
    """The versions of that number (or the newest) and author."""
    by_author = [each for each in status.detail.templates if author is None or each.author == author]
    wanted = newest_number(by_author) if version in (LATEST, UNRESOLVED) else version
    return [each for each in by_author if wanted and same_number(str(each.version), wanted)]


def newest_number(templates: Iterable[MapTemplate]) -> str | None:
    """The highest number among some versions."""
    return max((str(each.version) for each in templates), key=parts, default=None)


def newest_of(status: EntityMapStatus, author: str | None) -> str | None:
    """The highest number that an author offers."""
    return newest_number(each for each in status.detail.templates if author is None or each.author == author)


def active(status: EntityMapStatus) -> MapTemplate | None:
    """The active version of a map."""
    listed = next((each for each in status.detail.templates if each.id == status.detail.tid), None)
    return listed or status.detail.template


def version_line(template: MapTemplate | None) -> str:
    """`1.0.0.3 (Microsoft)`; empty where the service shows no version."""
    if template is None:
        return ""
    return f"{template.version} ({template.author})" if template.author else str(template.version)


def offered(status: EntityMapStatus) -> str:
    """All versions of a map, newest first."""
    ordered: Sequence[MapTemplate] = sorted(
        status.detail.templates, key=lambda each: (parts(str(each.version)), each.author or ""), reverse=True
    )
    return first_names(list(dict.fromkeys(version_line(each) for each in ordered)), CHOICES)


def _spelled(version: str, author: str | None) -> str:
    number = "the latest version" if version in (LATEST, UNRESOLVED) else f"version {version}"
    return f"{number} of {author}" if author else number
