"""Pulumi dynamic providers of dual-write: one module per cloud resource.

Beside them stands a package for each concern, listed from the top down: `maps`, `stamping`, `link`, `instances`,
`documented_errors`, `catalogue`, `protocol` (Pulumi's dynamic protocol) and `api` (the clients, which know no Pulumi).
Each imports only from those behind it. Module paths and class names are a stored format:
state files of users name them.
"""

import atexit
import gc
import os

# Pydantic would look for plugins of its own in the metadata of every installed package, before the first input is read.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# What was imported lives to the end. Looking for garbage in it, again and again while the rest is imported and once
# more before the process ends, would take a tenth of a preview.
gc.freeze()
gc.set_threshold(100_000)
atexit.register(gc.freeze)
