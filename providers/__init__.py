"""Pulumi dynamic providers of dual-write: one module per cloud resource.

`_base` alone knows Pulumi's dynamic protocol, `_diff` is pure, `api` is the client
package and knows no Pulumi at all. Module paths and class names are a stored format:
state files of users name them.
"""
