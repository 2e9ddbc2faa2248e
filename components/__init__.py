"""Component resources: they wire what the providers do into a dual-write pair."""
