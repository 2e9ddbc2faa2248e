"""Component resources: they wire what the providers do into a dual-write pair."""

import providers  # noqa: F401 - how garbage is collected is settled before anything large is imported
