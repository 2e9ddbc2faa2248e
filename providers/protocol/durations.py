"""Durations as people read them in rows and messages. Pure."""


def spoken(duration: float) -> str:
    """A duration for people: `45 s`, `12 min`, `1 h 05 min`."""
    whole = round(duration)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60 % 60, whole // 3600
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
