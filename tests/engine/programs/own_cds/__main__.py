"""A CDS instance and a package of the user's own program, with the resource options that its config names."""

import pulumi

from providers.application_package import ApplicationPackage
from providers.cds_instance import CdsInstance

config = pulumi.Config("own")
options = pulumi.ResourceOptions(
    ignore_changes=config.get_object("ignore") or [],
    retain_on_delete=config.get_bool("retain"),
)
if config.get("url"):
    cds = CdsInstance(
        "cds",
        cloud="emulator",
        instance="existing",
        url=config.require("url"),
        finops=config.get("finops"),
        opts=options,
    )
else:
    cds = CdsInstance(
        "cds",
        cloud="emulator",
        name=config.require("name"),
        domain=config.require("domain"),
        type="sandbox",
        location=config.get("location") or "europe",
        currency="EUR",
        language=1033,
        confirm=config.get_object("confirm"),
        timeout=config.get("timeout"),
        opts=options,
    )
if config.get_bool("package"):
    ApplicationPackage(
        "package",
        cloud="emulator",
        cds=config.require("domain"),
        package="DualWriteCoreAnchor",
        opts=pulumi.ResourceOptions(depends_on=[cds]),
    )
