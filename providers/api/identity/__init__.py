"""Signing in: the program's own identity, and the delegated tokens of the dual-write service."""
