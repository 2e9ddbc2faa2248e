"""Durations as people read them in rows and messages. Pure."""


def spoken(duration: float) -> str:
    """A duration for people: `45 s`, `12 min`, `1 h 05 min`, `2 days 3 h`."""
    whole = round(duration)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60 % 60, whole // 3600
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
