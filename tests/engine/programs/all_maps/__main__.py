"""Declares a new pair and all 213 standard maps."""

import pulumi

from providers.application_package import ApplicationPackage
from providers.catalogue.selection import choose_maps, standard
from providers.cds_instance import CdsInstance
from providers.dual_write_connection import DualWriteConnection
from providers.finops_instance import FinOpsInstance
from providers.live_sync import LiveSync

PLACE = {"cloud": "emulator", "cds": "contoso-all"}


def after(resource: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=[resource])


cds = CdsInstance(
    "cds",
    cloud="emulator",
    name="contoso-all",
    domain="contoso-all",
    type="sandbox",
    location="europe",
    currency="EUR",
    language=1033,
)
last: pulumi.Resource = FinOpsInstance(
    "finops",
    **PLACE,
    data="empty",
    environment_name="contoso-all",
    environment_type="sandbox",
    location="europe",
    opts=after(cds),
)
needed = choose_maps(["all"], [], "add")
for package in needed.packages:
    last = ApplicationPackage(package.lower(), **PLACE, package=package, opts=after(last))
connection = DualWriteConnection(
    "connection", **PLACE, companies=["DAT"], solutions=list(needed.solutions), opts=after(last)
)
maps = LiveSync("maps", **PLACE, maps=dict.fromkeys(standard().maps, "running"), opts=after(connection))
pulumi.export("maps", maps.maps)
