"""What the demo tenant may install: environment templates, application packages, F&O versions. Data only.

Template ids: power-platform-api.md 12.4 and 14.3. Package names: 14.3, 14.7; application ids: the ones recorded
there and in the Terraform provider's tenant list; all others, and every version number, are invented.
"""

import uuid
from typing import NamedTuple

PLATFORM_TOOLS = "msprov_fnouploadersolution"
PROVISIONING_APP = "msdyn_FinanceAndOperationsProvisioningAppAnchor"
DUAL_WRITE_CORE = "DualWriteCoreAnchor"

#: Versions on offer, in the order of the service. Sorted as text, 10.0.45.10 comes before 10.0.45.5 (14.8).
FINOPS_VERSIONS: tuple[str, ...] = ("10.0.44.9", "10.0.45.5", "10.0.45.10")

#: Keys of the BAP templates answer, one per SKU (12.4).
TEMPLATE_SKUS: tuple[str, ...] = (
    "standard", "premium", "developer", "basic", "production", "sandbox", "trial", "default", "support",
    "subscriptionBasedTrial", "teams", "platform",
)  # fmt: skip

#: SKUs that a create call accepts (7.1, 5.1). `Default` and `Teams` are made by the service itself.
CREATABLE_SKUS: tuple[str, ...] = (
    "Sandbox", "Production", "Trial", "Developer", "SubscriptionBasedTrial", "Support", "Basic", "Standard", "Premium",
)  # fmt: skip

#: SKUs that can carry F&O (14.1).
FINOPS_SKUS: tuple[str, ...] = ("Sandbox", "Production", "SubscriptionBasedTrial")


class Template(NamedTuple):
    """An environment template; `skus` are the keys of the templates answer under which it stands."""

    name: str
    display_name: str
    skus: tuple[str, ...]
    customer_engagement: bool
    dynamics_365_apps: bool  # the organization gets "Enable Dynamics 365 apps"
    finops: bool
    packages: tuple[str, ...] = ()


class Package(NamedTuple):
    """An application package; `version` is the available one, `requires` names packages."""

    unique_name: str
    title: str
    version: str
    application_id: str
    requires: tuple[str, ...] = ()


_FINANCE_PACKAGES = (
    "MicrosoftOperationsVEAnchor", DUAL_WRITE_CORE, "msdyn_DualWriteAppCoreAnchor", PLATFORM_TOOLS, PROVISIONING_APP,
    "msdyn_GlobalizationSolutionAnchor", "msdyn_FnOCopilotAnchor", "msdyn_CommerceAnchor",
    "msdyn_DemandPlanningAnchor", "msdyn_SCMAIAppAnchor", "msdyn_FinanceAIAppAnchor", "msdyn_MasterPlanningAnchor",
)  # fmt: skip
_PROJECT_PACKAGES = (
    *_FINANCE_PACKAGES, "msdyn_Dynamics365FinanceExtendedAnchor", "msdyn_DualWriteAssetManagementAnchor",
    "HCMCommonAnchor", "msdyn_Dynamics365HCMAnchor", "msdyn_Dynamics365SupplyChainExtendedAnchor",
    "ProjectOperations_Anchor", "msdyn_ProjectOperationsSampleData_Anchor",
)  # fmt: skip
_COMMERCE_PACKAGES = (
    *_FINANCE_PACKAGES, "CDSBasePortal", "msdyn_IntelligentOrderManagementAnchor", "msdyn_ScaleUnitAnchor",
)  # fmt: skip

_PAID = ("production", "sandbox")
_UNIFIED = ("production", "sandbox", "subscriptionBasedTrial")
_ANY = ("production", "sandbox", "trial", "subscriptionBasedTrial")

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        Template("D365_CDSSampleApp", "Sample App", ("developer", "default", *_ANY), False, False, False),
        Template("D365_DeveloperEdition", "Developer Edition", _ANY, False, True, False),
        Template("D365_Sales", "Sales Enterprise", ("production", "sandbox", "trial"), True, True, False),
        Template("D365_CustomerService", "Customer Service", ("production", "sandbox", "trial"), True, True, False),
        Template("D365_FieldService", "Field Service", ("production", "sandbox", "trial"), True, True, False),
        Template("D365_ProjectOperations", "Project Operations", (*_PAID, "subscriptionBasedTrial"), True, True, False),
        Template("D365_FinOps_Finance", "Finance (Preview)", _UNIFIED, True, True, True, _FINANCE_PACKAGES),
        Template("D365_FinOps_SCM", "Supply Chain Management (Preview)", _UNIFIED, True, True, True, _FINANCE_PACKAGES),
        Template("D365_FinOps_ProjOps", "Project Operations (Preview)", _UNIFIED, True, True, True, _PROJECT_PACKAGES),
        Template(
            "D365_FinOps_Commerce", "Commerce (Preview)", ("subscriptionBasedTrial",), True, True, True,
            _COMMERCE_PACKAGES,
        ),
    )
}  # fmt: skip


def _invented_id(unique_name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, unique_name))


def _package(
    unique_name: str, title: str, version: str, application_id: str | None = None, *requires: str
) -> tuple[str, Package]:
    return unique_name, Package(unique_name, title, version, application_id or _invented_id(unique_name), requires)


_APP_CORE = "msdyn_DualWriteAppCoreAnchor"
_FINANCE = "msdyn_Dynamics365FinanceExtendedAnchor"
_SUPPLY_CHAIN = "msdyn_Dynamics365SupplyChainExtendedAnchor"
_ASSETS = "msdyn_DualWriteAssetManagementAnchor"
_HR_COMMON = "HCMCommonAnchor"
_HR = "msdyn_Dynamics365HCMAnchor"

#: Prerequisites: dual-write-semantics.md 7.9; that the core package comes first is inferred.
PACKAGES: dict[str, Package] = dict(
    (
        _package(PLATFORM_TOOLS, "Dynamics 365 Finance and Operations Platform Tools", "1.0.26075.3"),
        _package(PROVISIONING_APP, "Dynamics 365 Finance and Operations Provisioning App", "2.4.26080.1"),
        _package(
            "MicrosoftOperationsVEAnchor", "Finance and Operations Virtual Entity", "1.0.26061.2",
            "46d46000-039a-4386-8024-177e9a2af26b",
        ),
        _package(
            DUAL_WRITE_CORE, "Dual-write core solution", "1.0.26071.4", "7df1a324-fbb1-4a4e-9c9a-d5d9c7c6403b"
        ),
        _package(
            _APP_CORE, "Dual-write Application Core Solutions", "3.1.26050.2",
            "efae886e-3e7f-48de-8a80-4fe9a263ad6b", DUAL_WRITE_CORE,
        ),
        _package(
            _FINANCE, "Dual Write Finance and Extended Solutions", "3.1.26050.2",
            "963e8d20-5896-4c02-b196-fb36f62ad90e", _APP_CORE,
        ),
        _package(
            _HR_COMMON, "Dynamics 365 HR Common Tables", "2.0.26031.1",
            "0cfd9958-798a-4bc9-88bf-af797ff30326", _APP_CORE,
        ),
        _package(
            _HR, "Dual-write Dynamics 365 Human Resources", "3.1.26050.2",
            "b40ad077-54f0-44f5-9891-e9575daca12f", _APP_CORE, _HR_COMMON,
        ),
        _package(
            _SUPPLY_CHAIN, "Dual Write Supply Chain Extended Solution", "3.1.26050.2",
            "7810afcb-8b5e-41bb-aa65-9edf676e8327", _APP_CORE, _FINANCE, _HR_COMMON, _HR,
        ),
        _package(
            _ASSETS, "Dual-Write Asset Management Solutions", "3.1.26050.2",
            "ee318198-9486-43c9-a6ba-6e506c3078e2", _APP_CORE,
        ),
        _package(
            "Dynamics365FinanceAndOperationsAnchor", "Dual-write application orchestration solution", "2.3.26044.1",
            "786abcaa-84e5-4968-82ff-43434860bb34", DUAL_WRITE_CORE,
        ),
        _package(
            "Dynamics365GABParty_Anchor", "Dual-write Party and Global Address Book Solutions", "3.2.26050.1",
            "8e3e4454-ede0-4343-8b39-3225f221c0ba", _APP_CORE, _FINANCE, _SUPPLY_CHAIN,
        ),
        _package(
            "ProjectOperations_Anchor", "Dynamics 365 Project Operations", "4.100.26060.1", None,
            _APP_CORE, _FINANCE, _SUPPLY_CHAIN, _ASSETS, _HR,
        ),
        _package(
            "msdyn_ProjectOperationsSampleData_Anchor", "Dynamics 365 Project Operations Demo Data", "4.100.26060.1",
            "39da8e72-0c8f-42b4-8f14-0c893c999f91", "ProjectOperations_Anchor",
        ),
        _package(
            "msdyn_D365FNOIntegrationAnchor", "Finance and Operations Services Integration", "1.0.26010.1",
            "f1b43374-719c-474b-aa02-5e28b67f6178",
        ),
        _package(
            "msdyn_FnOCopilotAnchor", "Copilot for finance and operations apps", "1.0.26070.1",
            "44399b3a-64ad-49e0-add9-79ac927c0d37",
        ),
        _package(
            "msdyn_FinanceAIAppAnchor", "Copilot in Microsoft Dynamics 365 Finance", "1.0.26070.1",
            "03649e38-9cf1-41ac-b609-838301043200",
        ),
        _package("msdyn_GlobalizationSolutionAnchor", "Globalization Studio", "1.0.26070.1"),
        _package("msdyn_CommerceAnchor", "Dynamics 365 Commerce", "1.0.26070.1"),
        _package("msdyn_DemandPlanningAnchor", "Demand planning", "1.0.26070.1"),
        _package("msdyn_SCMAIAppAnchor", "Copilot in Microsoft Dynamics 365 Supply Chain Management", "1.0.26070.1"),
        _package("msdyn_MasterPlanningAnchor", "Planning Optimization", "1.0.26070.1"),
        _package("CDSBasePortal", "Dataverse portal base", "9.4.26070.1"),
        _package("msdyn_IntelligentOrderManagementAnchor", "Intelligent Order Management", "2.0.26070.1"),
        _package("msdyn_ScaleUnitAnchor", "Commerce scale unit", "1.0.26070.1"),
    )
)  # fmt: skip

PACKAGE_BY_NAME: dict[str, Package] = {name.lower(): package for name, package in PACKAGES.items()}


def newest_version(offered: tuple[str, ...] = FINOPS_VERSIONS) -> str:
    """Return the highest version."""
    return max(offered, key=version_key)


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are compared by: numbers, not text."""
    return tuple(int(part) for part in version.split("."))


def matching_version(wanted: str, offered: tuple[str, ...] = FINOPS_VERSIONS) -> str | None:
    """Return the newest offered version that is `wanted` or begins with it: `10.0.45` is 10.0.45.10 (assumed)."""
    candidates = [one for one in offered if one == wanted or one.startswith(wanted + ".")]
    return newest_version(tuple(candidates)) if candidates else None
