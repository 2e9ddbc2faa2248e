"""The one string that says what F&O shall be: `DevToolsEnabled=..|DemoDataEnabled=..|ApplicationVersion=..` (14.6)."""

from dataclasses import dataclass

from emulator.power_platform.catalogue import matching_version

_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class FinOpsChoice:
    """What a request asks for; None where it says nothing."""

    developer_tools: bool | None = None
    demo_data: bool | None = None
    version: str | None = None


class PayloadError(Exception):
    """The string cannot be understood; the text says which part."""


def _pair(part: str) -> tuple[str, str]:
    key, separator, value = part.partition("=")
    if not separator:
        msg = f"The parameter '{part}' is not of the form key=value."
        raise PayloadError(msg)
    return key.strip().lower(), value.strip()


def parse(text: str | None) -> FinOpsChoice:
    """Read the string; keys (assumed) and values case-blind, `10.0.45` means the newest 10.0.45.x (assumed)."""
    values = dict(_pair(part) for part in (text or "").split("|") if part.strip())
    unknown = sorted(set(values) - {"devtoolsenabled", "demodataenabled", "applicationversion"})
    if unknown:
        msg = f"The parameter '{unknown[0]}' is not known."
        raise PayloadError(msg)
    return FinOpsChoice(
        _flag(values, "devtoolsenabled"), _flag(values, "demodataenabled"), _version(values.get("applicationversion"))
    )


def _flag(values: dict[str, str], key: str) -> bool | None:
    if key not in values:
        return None
    if values[key].lower() not in _FLAGS:
        msg = f"The value '{values[key]}' of the parameter '{key}' is neither true nor false."
        raise PayloadError(msg)
    return _FLAGS[values[key].lower()]


def _version(wanted: str | None) -> str | None:
    if not wanted:
        return None
    version = matching_version(wanted)
    if version is None:
        msg = f"The application version '{wanted}' is not available."
        raise PayloadError(msg)
    return version
