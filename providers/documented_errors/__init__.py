"""The documented errors of dual-write: the table of them, and recognising one in a text of the service."""
