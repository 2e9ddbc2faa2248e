"""Codes of Dataverse that callers tell apart (dual-write-semantics.md 2)."""

# Dataverse is not integrated with F&O.
NOT_INTEGRATED = "0x80048d0b"
