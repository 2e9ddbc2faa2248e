"""HTML of a screen: the templates with everything escaped, whole or only what a reader does not have yet."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emulator.core.clock import Clock
from emulator.page.conditions import BAR
from emulator.page.screens import Region, Screen
from emulator.page.table_maps import Choice

TEMPLATES = Path(__file__).parent / "templates"
WHOLE, PART = "document.html", "page.html"


class Renderer:
    """Renders screens at the tenant's present time."""

    def __init__(self, clock: Clock) -> None:
        """Load the templates when they are first used."""
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "along_the_bar": lambda counts: sorted(counts, key=lambda count: BAR.index(count.condition)),
            "day_and_time": day_and_time,
            "pace": pace,
            "time_of_day": time_of_day,
        }
        self._templates.globals |= {"link_to": link_to}

    def render(self, screen: Screen, *, base: str, here: str, known: Mapping[str, str] | None = None) -> str:
        """Return a whole document, or with `known` (digest by name of region) the part that may have changed.

        `base`: the address of the emulator; `here`: path and query of the screen.
        """
        now = self._clock.running()
        common = {
            "base": base,
            "here": here,
            "now": now.isoformat(timespec="milliseconds"),
            "clock": self._clock,
            "screen": screen,
            "passed": lambda begun, due: passed(begun, due, now),
        }

        def region_html(region: Region) -> Markup:
            return self._region(region, common, known or {})

        template = self._templates.get_template(WHOLE if known is None else PART)
        return template.render(**common, region_html=region_html)

    def _region(self, region: Region, common: Mapping[str, object], known: Mapping[str, str]) -> Markup:
        digest = region.digest
        same = known.get(region.name) == digest
        view = None if same else self._templates.get_template(region.template).render(**common, view=region.view)
        frame = self._templates.get_template("region.html")
        return Markup(frame.render(region=region, digest=digest, inner=view))  # noqa: S704 - a template's own output


def link_to(key: str, choice: Choice, selected: str) -> str:
    """Return the address of a pair with some of its maps and one of them opened."""
    query = [("text", choice.text)] if choice.text else []
    query += [("state", str(each)) for each in sorted(choice.conditions)]
    query += [("map", selected)] if selected else []
    return f"/pairs/{quote(key)}" + (f"?{urlencode(query)}" if query else "")


def day_and_time(iso: str) -> str:
    """Return a moment as people read it: 2 Mar 08:00."""
    moment = datetime.fromisoformat(iso)
    return f"{moment.day} {moment:%b %H:%M}"


def time_of_day(iso: str) -> str:
    """Return the time of a moment with its seconds."""
    return f"{datetime.fromisoformat(iso):%H:%M:%S}"


def pace(mode: str) -> str:
    """Return what a mode of the clock means: scaled:3600 is an hour a second."""
    name, _, number = mode.partition(":")
    if name == "scaled":
        seconds = float(number)
        return f"{seconds / 3600:g} h a second" if seconds >= 3600 else f"{seconds:g} s a second"
    return "moved by hand" if name == "stepped" else "as time goes"


def passed(begun: str, due: str, now: datetime) -> float:
    """Return which part of a span is over, 0 to 1."""
    first, last = datetime.fromisoformat(begun), datetime.fromisoformat(due)
    length = (last - first).total_seconds()
    return round(min(1.0, max(0.0, (now - first).total_seconds() / length)), 3) if length > 0 else 1.0
