"""Pulumi's dynamic protocol: the base of all providers, and what every resource needs to speak it.

`base` alone knows the engine's calls: `kind` is what a resource says of itself, `checking` and `reading` what is made
of it, `boundary` how errors leave, `managed_resource` how programs declare one. `addresses`, `diff`, `marks`,
`versions`, `durations` and `consent` are pure.
"""
