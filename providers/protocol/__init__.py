"""Pulumi's dynamic protocol: the base of all providers, and what every resource needs to speak it.

`base` alone knows the protocol. `diff`, `marks`, `versions`, `durations` and `consent` are pure.
"""
