"""Pulumi dynamic providers of dual-write: one module per cloud resource.

Beside them stands a package for each concern, listed from the top down: `maps`, `stamping`, `link`, `instances`,
`documented_errors`, `catalogue`, `protocol` (Pulumi's dynamic protocol) and `api` (the clients, which know no Pulumi).
Each imports only from those behind it. Module paths and class names are a stored format:
state files of users name them.
"""
