"""Declares `bulk:count` stateless dynamic resources."""

import pulumi
from things import Thing

for number in range(pulumi.Config().require_int("count")):
    Thing(f"thing-{number}", size=number)
