"""Declares `bulk:count` resources."""

import pulumi
from things import Thing

count = int(pulumi.Config().require("count"))
if count < 0:
    raise pulumi.RunError("bulk:count must not be negative")
for number in range(count):
    Thing(f"thing-{number}", size=number)
