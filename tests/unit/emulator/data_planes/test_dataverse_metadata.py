"""Table definitions: names for URLs, keys, and lookups in their exact case."""

from xml.etree import ElementTree as ET

import pytest

from tests.unit.emulator.conftest import CallTenant
from tests.unit.emulator.data_planes.conftest import API

pytestmark = pytest.mark.usefixtures("organization")
RELATION = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"


@pytest.mark.parametrize(
    ("logical", "attribute", "navigation"),
    [("account", "msdyn_company", "msdyn_company"), ("product", "msdyn_companyid", "msdyn_CompanyId"),
     ("quote", "msdyn_company", "msdyn_Company"), ("cdm_company", "cdm_defaultowningteam", "cdm_DefaultOwningTeam")],
)  # fmt: skip
def test_lookup_name_has_its_exact_case(call: CallTenant, logical: str, attribute: str, navigation: str) -> None:
    url = f"{API}/EntityDefinitions(LogicalName='{logical}')/ManyToOneRelationships"
    found = call("GET", f"{url}?$select={RELATION}&$filter=ReferencingAttribute eq '{attribute}'").json["value"]
    assert [one["ReferencingEntityNavigationPropertyName"] for one in found] == [navigation]


def test_definition_by_logical_name_with_keys_and_columns(call: CallTenant) -> None:
    url = f"{API}/EntityDefinitions(LogicalName='msdyn_customergroup')"
    expand = "Keys($select=KeyAttributes,EntityKeyIndexStatus),Attributes($select=LogicalName,AttributeType)"
    query = f"$select=LogicalName,EntitySetName,PrimaryIdAttribute&$expand={expand}"
    document = call("GET", f"{url}?{query}").json
    assert document["EntitySetName"] == "msdyn_customergroups"
    assert document["PrimaryIdAttribute"] == "msdyn_customergroupid"
    keys = [(key["KeyAttributes"], key["EntityKeyIndexStatus"]) for key in document["Keys"]]
    assert keys == [(["msdyn_groupid", "msdyn_company"], "Active")]
    types = {one["LogicalName"]: one["AttributeType"] for one in document["Attributes"]}
    assert types["msdyn_issalestaxincludedinprice"] == "Boolean"
    assert types["msdyn_company"] == "Lookup"
    assert types["ownerid"] == "Owner"


def test_table_is_found_by_its_set_name(call: CallTenant) -> None:
    query = "$select=LogicalName&$filter=EntitySetName eq 'msdyn_dualwriteruntimeconfigs'"
    found = call("GET", f"{API}/EntityDefinitions?{query}").json["value"]
    assert [one["LogicalName"] for one in found] == ["msdyn_dualwriteruntimeconfig"]


def test_internal_uniqueness_is_no_published_key(call: CallTenant) -> None:
    assert call("GET", f"{API}/EntityDefinitions(LogicalName='businessunit')/Keys").json["value"] == []
    assert call("GET", f"{API}/businessunits(name='x')").status == 400


def test_unknown_table_and_member_are_refused(call: CallTenant) -> None:
    assert call("GET", f"{API}/EntityDefinitions(LogicalName='nonsense')").status == 404
    assert call("GET", f"{API}/EntityDefinitions(LogicalName='account')?$select=Nonsense").status == 400
    assert call("GET", f"{API}/EntityDefinitions(LogicalName='account')?$expand=Nonsense").status == 400


def test_csdl_lists_every_set_with_its_key(call: CallTenant) -> None:
    reply = call("GET", f"{API}/$metadata")
    root = ET.fromstring(str(reply.body))  # noqa: S314 - our own answer
    names = {node.get("Name") for node in root.iter("{http://docs.oasis-open.org/odata/ns/edm}EntitySet")}
    assert {"accounts", "cdm_companies", "msdyn_dualwriteentitymaps"} <= names


@pytest.mark.parametrize("query", ["$select=DisplayName", "$select=LogicalName,ObjectTypeCode", "$expand=Settings"])
def test_metadata_that_the_service_has_and_the_emulator_lacks_is_not_modelled(call: CallTenant, query: str) -> None:
    assert call("GET", f"{API}/EntityDefinitions(LogicalName='account')?{query}").status == 501


def test_metadata_that_nobody_has_is_refused(call: CallTenant) -> None:
    assert call("GET", f"{API}/EntityDefinitions(LogicalName='account')?$select=Nonsense").status == 400


def test_choice_has_its_option_set(call: CallTenant) -> None:
    one = "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='industrycode')"
    shown = call("GET", f"{API}/{one}?$select=LogicalName&$expand=OptionSet($select=Options)").json
    assert shown["OptionSet"]["Options"] == []
