"""The kinds of value that a stack file holds: company codes, versions, days, addresses, and what is wrong with others.

Pure. Every check is strict about types, because YAML makes numbers and dates of bare `007`, `10.0` and `2027-01-31`.
"""

import re
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, WithJsonSchema

from providers.catalogue.companies import COMPANY_CODE, company_code
from providers.catalogue.durations import canonical

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# What Pulumi makes of a bare date in YAML.
_BARE_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}) 00:00:00 \+0000 UTC")
_VERSION = r"^\d+(\.\d+){1,3}$"
_DOMAIN = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$"
# A domain that a tenant has proved to own, or its first one.
_TENANT_DOMAIN = r"^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"
_GUID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
# Windows locale ids in use; which ones a location offers is asked live.
_LCID_FIRST, _LCID_LAST = 1025, 22538


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _version(text: str) -> str:
    if not re.fullmatch(_VERSION, text):
        raise ValueError(f'{text!r} is no version: two to four numbers with dots, such as "10.0.45"')
    return text


def _map_version(text: str) -> str:
    if text != "latest" and not re.fullmatch(_VERSION, text):
        raise ValueError(f'{text!r} is no version: two to four numbers with dots, such as "1.0.0.3", or latest')
    return text


def _domain(text: str) -> str:
    if not re.fullmatch(_DOMAIN, text) or not 2 <= len(text) <= 32:
        raise ValueError("must be 2 to 32 letters, digits and dashes, with a letter or digit at both ends")
    return text.lower()


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", text):
        raise ValueError(f"{text!r} is no currency: an ISO code of three letters, such as EUR")
    return text.upper()


def _https(text: str) -> str:
    address = urlsplit(text)
    if address.scheme != "https" or not address.hostname:
        raise ValueError(f"{text!r} is no address that begins with https://")
    return text.rstrip("/")


def _address(text: str) -> str:
    address = urlsplit(_https(text))
    if address.path or address.query or address.fragment or address.netloc.lower() != address.hostname:
        raise ValueError(f"must be the bare address of the instance: https://{address.hostname}")
    return f"https://{address.hostname}"


def _environment_id(text: str) -> str:
    if not re.fullmatch(_GUID, text):
        raise ValueError(f"{text!r} is no environment id: the admin centre shows it, a GUID")
    return text.lower()


def _tenant(text: str) -> str:
    if not re.fullmatch(_GUID, text) and not re.fullmatch(_TENANT_DOMAIN, text):
        raise ValueError(f"{text!r} is no tenant: write its id (a GUID) or a domain, such as contoso.onmicrosoft.com")
    return text.lower()


def _plain_day(value: Any) -> Any:
    bare = _BARE_DATE.fullmatch(value) if isinstance(value, str) else None
    return bare.group(1) if bare else value


def _day(text: str) -> str:
    fault = f'{text!r} is no date: write the last day on which it counts as "2027-01-31"'
    if not _DAY.fullmatch(text):
        raise ValueError(fault)
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError(fault) from None
    return text


def _whole(value: Any) -> Any:
    # JSON knows one kind of number: a whole one may arrive as a float.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError("must be 1 or more")
    return number


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError("must be 0 or more")
    return number


def _lcid(number: int) -> int:
    if not _LCID_FIRST <= number <= _LCID_LAST:
        raise ValueError(f"{number} is no locale id (LCID), such as 1033 for English (United States)")
    return number


Text = Annotated[StrictStr, AfterValidator(_filled)]
Company = Annotated[
    StrictStr, AfterValidator(company_code), WithJsonSchema({"type": "string", "pattern": COMPANY_CODE})
]
Version = Annotated[StrictStr, AfterValidator(_version), WithJsonSchema({"type": "string", "pattern": _VERSION})]
MapVersion = Annotated[
    StrictStr,
    AfterValidator(_map_version),
    WithJsonSchema({"type": "string", "pattern": f"{_VERSION}|^latest$"}),
]
Domain = Annotated[
    StrictStr,
    AfterValidator(_domain),
    WithJsonSchema({"type": "string", "pattern": _DOMAIN, "minLength": 2, "maxLength": 32}),
]
Currency = Annotated[
    StrictStr, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z]{3}$"})
]
Https = Annotated[StrictStr, AfterValidator(_https), WithJsonSchema({"type": "string", "pattern": "^https://"})]
Address = Annotated[
    StrictStr, AfterValidator(_address), WithJsonSchema({"type": "string", "pattern": "^https://[^/]+/?$"})
]
EnvironmentId = Annotated[
    StrictStr, AfterValidator(_environment_id), WithJsonSchema({"type": "string", "pattern": _GUID})
]
Tenant = Annotated[
    StrictStr,
    AfterValidator(_tenant),
    WithJsonSchema({"type": "string", "pattern": f"{_GUID}|{_TENANT_DOMAIN}"}),
]
Duration = Annotated[
    StrictStr,
    AfterValidator(canonical),
    WithJsonSchema({"type": "string", "pattern": "^(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?$", "minLength": 2}),
]
Day = Annotated[
    StrictStr,
    AfterValidator(_day),
    BeforeValidator(_plain_day),
    WithJsonSchema({"type": "string", "format": "date"}),
]
_WholeNumber = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
Positive = Annotated[_WholeNumber, AfterValidator(_positive), WithJsonSchema({"type": "integer", "minimum": 1})]
NotNegative = Annotated[_WholeNumber, AfterValidator(_not_negative), WithJsonSchema({"type": "integer", "minimum": 0})]
Lcid = Annotated[
    _WholeNumber,
    AfterValidator(_lcid),
    WithJsonSchema({"type": "integer", "minimum": _LCID_FIRST, "maximum": _LCID_LAST}),
]
