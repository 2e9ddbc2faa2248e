"""Catalogue calls of BAP: locations, templates, currencies, languages, tenant (power-platform-api.md 12)."""

from typing import Any

from emulator.core.microsoft_names import Name
from emulator.core.wire import Call, Reply, UnknownNameError
from emulator.power_platform import catalogue, locations
from emulator.power_platform.answers import BAP_API_VERSIONS, check_api_version, refusal
from emulator.power_platform.locations import LOCATIONS, Location
from emulator.power_platform.operations import PROVIDER
from emulator.tenant import Tenant

_TENANT_CURRENCY = locations.DEFAULT_CURRENCY


def disabled_reason(tenant: Tenant, template: catalogue.Template) -> dict[str, str] | None:
    """Return why the tenant may not use a template, or None."""
    listed = {name.strip() for name in str(tenant.switches["disabled_templates"]).split(",")}
    if template.name in listed or (template.finops and not tenant.switches["finops_entitlement"]):
        text = (
            "You do not have the required Dynamics 365 licenses to create databases with the "
            f"'{template.display_name}' Dynamics app."
        )
        return {"code": "DynamicsEntitlementMissing", "message": text}
    return None


def read_locations(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /locations`."""
    check_api_version(call, BAP_API_VERSIONS)
    macro = [
        {"macroRegionId": one.macro_region_id, "displayName": one.display_name}
        for one in locations.MACRO_REGIONS.values()
    ]
    return Reply(
        json={
            "value": [_location(one) for one in LOCATIONS.values()],
            "tenantProvisioningMode": tenant.switches["tenant_provisioning_mode"],
            "macroRegions": macro,
        }
    )


def _location(location: Location) -> dict[str, Any]:
    return {
        "id": f"{PROVIDER}/locations/{location.name}",
        "type": "Microsoft.BusinessAppPlatform/locations",
        "name": location.name,
        "properties": {
            "displayName": location.display_name,
            "code": location.code,
            "isDefault": location.name == "europe",
            "isDisabled": False,
            "canProvisionDatabase": True,
            "canProvisionCustomerEngagementDatabase": True,
            "hasFirstReleaseIslandAvailableForProvisioning": False,
            "azureRegions": list(location.regions),
        },
    }


def read_templates(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /locations/{location}/templates`: one array per SKU; F&O only where the location has it."""
    check_api_version(call, BAP_API_VERSIONS)
    location = _known(call)
    answer: dict[str, list[dict[str, Any]]] = {sku: [] for sku in catalogue.TEMPLATE_SKUS}
    offered = (one for one in catalogue.TEMPLATES.values() if location.finops_regions or not one.finops)
    for template in offered:
        for sku in template.skus:
            answer[sku].append(_template(tenant, location, template))
    return Reply(json=answer)


def _template(tenant: Tenant, location: Location, template: catalogue.Template) -> dict[str, Any]:
    reason = disabled_reason(tenant, template)
    properties: dict[str, Any] = {
        "displayName": template.display_name,
        "isDisabled": reason is not None,
        "isCustomerEngagement": template.customer_engagement,
        "isSupportedForResetOperation": False,
    }
    if reason is not None:
        properties["disabledReason"] = reason
    return {
        "id": f"{PROVIDER}/locations/{location.name}/environmentTemplates/{template.name}",
        "name": template.name,
        "location": location.name,
        "properties": properties,
    }


def read_currencies(_tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /locations/{location}/environmentCurrencies`."""
    check_api_version(call, BAP_API_VERSIONS)
    location = _known(call)
    rows = [
        {
            "name": code,
            "id": f"{PROVIDER}/locations/{location.name}/environmentCurrencies/{code}",
            "type": "Microsoft.BusinessAppPlatform/locations/environmentCurrencies",
            "properties": {"code": code, "symbol": symbol, "isTenantDefault": code == _TENANT_CURRENCY},
        }
        for code, symbol in locations.CURRENCIES.items()
    ]
    return Reply(json={"value": rows})


def read_languages(_tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /locations/{location}/environmentLanguages`: `name` is text, `localeId` a number."""
    check_api_version(call, BAP_API_VERSIONS)
    location = _known(call)
    rows = [
        {
            "name": str(lcid),
            "id": f"{PROVIDER}/locations/{location.name}/environmentLanguages/{lcid}",
            "type": "Microsoft.BusinessAppPlatform/locations/environmentLanguages",
            "properties": {
                "localeId": lcid,
                "localizedName": localized,
                "displayName": name,
                "isTenantDefault": lcid == locations.DEFAULT_LANGUAGE,
            },
        }
        for lcid, (localized, name) in locations.LANGUAGES.items()
    ]
    return Reply(json={"value": rows})


def read_tenant(tenant: Tenant, call: Call) -> Reply:
    """Answer `GET /tenant`."""
    check_api_version(call, BAP_API_VERSIONS)
    return Reply(
        json={
            "tenantId": tenant.identity.tenant_id,
            "state": "Enabled",
            "location": "europe",
            "aadCountryGeo": "DE",
            "dataStorageGeo": "EU",
            "defaultEnvironmentGeo": "EU",
            "aadDataBoundary": "EU",
            "fedRAMPHighCertificationRequired": False,
        }
    )


def _known(call: Call) -> Location:
    name = call.parameters["location"]
    location = LOCATIONS.get(name.lower())
    if location is None:
        # Documented: RFC 9110, 15.5.5
        unknown = refusal(404, "LocationNotFound", f"The location '{name}' could not be found.")
        raise UnknownNameError(Name("location", name), unknown)
    return location
