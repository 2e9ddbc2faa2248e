"""Ids of resources that are made of two parts: put together and taken apart here. Stored in state: a format."""

from typing import NamedTuple


class LinkId(NamedTuple):
    """The natural key of a link: host of F&O and id of the CDS environment."""

    finops_host: str
    environment_id: str

    @classmethod
    def parse(cls, text: str) -> "LinkId":
        """The key of its text."""
        host, _, environment_id = text.rpartition("/")
        return cls(host, environment_id)

    def __str__(self) -> str:
        return f"{self.finops_host}/{self.environment_id}"


def on_environment(environment_id: str, name: str) -> str:
    """The id of something that an environment has once by name: a package, the bootstrap of a company."""
    return f"{environment_id}/{name}"


def company_of(finops_host: str, code: str) -> str:
    """The id of a company; F&O shows codes in upper case."""
    return f"{finops_host}/{code.upper()}"
