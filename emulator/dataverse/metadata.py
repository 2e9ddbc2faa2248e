"""Table definitions: `EntityDefinitions` with attributes, keys and relationships (dual-write-semantics.md 12.2).

Not paged; `$filter` knows eq, and, or. Schema names are those of the navigation properties where they differ.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.microsoft_names import Name
from emulator.core.routing import NotModelledError, not_modelled
from emulator.core.wire import Call, Reply, ServiceError, UnknownNameError
from emulator.data.schemas import Column, Table, table_by_logical_name, tables
from emulator.dataverse.errors import bad_query, refuse
from emulator.dataverse.reads import root
from emulator.tables.edmx import edmx
from emulator.tables.values import new_guid
from emulator.tenant import Tenant

_TYPES = {
    "string": "String",
    "memo": "Memo",
    "integer": "Integer",
    "decimal": "Decimal",
    "boolean": "Boolean",
    "datetime": "DateTime",
    "option": "Picklist",
    "guid": "Uniqueidentifier",
    "lookup": "Lookup",
}
_TERM = re.compile(r"\s*\(*(\w+) eq (?:'((?:[^']|'')*)'|(true|false))\)*\s*")
_COLLECTIONS = ("Attributes", "Keys", "ManyToOneRelationships", "OneToManyRelationships", "ManyToManyRelationships")


def definitions(_tenant: Tenant, call: Call) -> Reply:
    """Answer `EntityDefinitions`."""
    documents = [definition(table) for table in tables("dataverse").values()]
    value = [_shaped(document, call.query) for document in _filtered(documents, call.query.get("$filter"))]
    return Reply(json={"@odata.context": f"{root(call)}$metadata#EntityDefinitions", "value": value})


def one_definition(_tenant: Tenant, call: Call) -> Reply:
    """Answer `EntityDefinitions(LogicalName='account')` and its collections."""
    found = _table(call.parameters["key"])
    document = definition(found)
    rest = [part for part in call.parameters.get("rest", "").split("/") if part]
    context = f"{root(call)}$metadata#EntityDefinitions"
    if not rest:
        return Reply(json={"@odata.context": f"{context}/$entity", **_shaped(document, call.query)})
    if rest[0] in document and rest[0] not in _COLLECTIONS:
        return Reply(json={"@odata.context": context, "value": document[rest[0]]})
    if rest[0] not in _COLLECTIONS:
        raise not_modelled("GET", call.path)
    name = rest[0].partition("(")[0]
    items = _cast(_filtered(collection(found, name), call.query.get("$filter")), rest[1:])
    value = [_column_shaped(item, call.query) for item in items]
    return Reply(json={"@odata.context": f"{context}('{found.logical}')/{name}", "value": value})


def one_attribute(_tenant: Tenant, call: Call) -> Reply:
    """Answer `EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')`."""
    found = _table(call.parameters["key"])
    name = _key_text(call.parameters["attribute"])
    for document in collection(found, "Attributes"):
        if document["LogicalName"] == name:
            return Reply(json={"@odata.context": f"{root(call)}$metadata", **_column_shaped(document, call.query)})
    text = f"Could not find an attribute with specified name: {name} and entity: {found.logical}"
    # Source: public reports: 404 with this text; Microsoft Learn, Web service error codes: ObjectDoesNotExist
    refusal = refuse(404, "0x80040217", text)
    raise UnknownNameError(Name("dataverse property", name, found.logical), refusal)


def csdl(_tenant: Tenant, _call: Call) -> Reply:
    """Answer `$metadata`: entity types with keys and columns (many-to-many and actions left out)."""
    text = edmx("Microsoft.Dynamics.CRM", tables("dataverse").values())
    return Reply(body=text, headers={"Content-Type": "application/xml"})


def _key_text(text: str) -> str:
    return text.partition("=")[2].strip("' ") or text.strip("' ")


def _table(key: str) -> Table:
    name = _key_text(key)
    found = table_by_logical_name(name.lower())
    if found is None:
        found = next((one for one in tables("dataverse").values() if _metadata_id(one) == name.lower()), None)
    if found is None:
        text = f"Could not find an entity with specified entity name: {name}"
        # Source: public reports of clients: this text; Microsoft Learn, Web service error codes: ObjectDoesNotExist
        raise UnknownNameError(Name("dataverse table", name), refuse(404, "0x80040217", text))
    return found


def _metadata_id(table: Table) -> str:
    return new_guid(f"metadata {table.logical}")


def definition(table: Table) -> dict[str, Any]:
    """Return the table's own members."""
    return {
        "MetadataId": _metadata_id(table),
        "LogicalName": table.logical,
        "SchemaName": table.logical,
        "EntitySetName": table.set,
        "LogicalCollectionName": table.set,
        "LogicalEntityName": table.logical,
        "CollectionSchemaName": table.set,
        "PrimaryIdAttribute": table.key[0],
        "PrimaryNameAttribute": table.name,
        "OwnershipType": "UserOwned" if table.owned else "OrganizationOwned",
        "IsCustomEntity": "_" in table.logical,
        "ChangeTrackingEnabled": True,
        "IsOptimisticConcurrencyEnabled": True,
    }


def collection(table: Table, name: str) -> list[dict[str, Any]]:
    """Return Attributes, Keys or relationships of a table."""
    makers: dict[str, Callable[[Table], list[dict[str, Any]]]] = {
        "Attributes": lambda one: [_attribute(one, column) for column in one.columns.values()],
        "Keys": _keys,
        "ManyToOneRelationships": _relationships,
        "OneToManyRelationships": lambda _one: [],
        "ManyToManyRelationships": lambda _one: [],
    }
    return makers[name](table)


def _attribute(table: Table, column: Column) -> dict[str, Any]:
    kind = _attribute_type(column)
    document: dict[str, Any] = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{kind}AttributeMetadata",
        "MetadataId": new_guid(f"metadata {table.logical}.{column.name}"),
        "LogicalName": column.name,
        "SchemaName": column.navigation or column.name,
        "EntityLogicalName": table.logical,
        "AttributeType": kind,
        "IsPrimaryId": column.name == table.key[0],
        "IsPrimaryName": column.name == table.name,
        "IsValidForCreate": not column.system,
        "IsValidForUpdate": not column.system and column.name != table.key[0],
        "IsValidForRead": True,
        "IsCustomAttribute": "_" in column.name,
        "RequiredLevel": {"Value": "SystemRequired" if column.name == table.key[0] else "None"},
    }
    if column.type == "lookup":
        document["Targets"] = [tables("dataverse")[target].logical for target in column.targets]
    return document


def _attribute_type(column: Column) -> str:
    special = {"ownerid": "Owner", "statecode": "State", "statuscode": "Status", "versionnumber": "BigInt"}
    if column.name in special:
        return special[column.name]
    if column.type == "lookup" and set(column.targets) == {"accounts", "contacts"}:
        return "Customer"
    return _TYPES[column.type]


def _keys(table: Table) -> list[dict[str, Any]]:
    return [
        {
            "MetadataId": new_guid(f"metadata {table.logical} key {name}"),
            "LogicalName": name,
            "SchemaName": name,
            "EntityLogicalName": table.logical,
            "KeyAttributes": [column.name for one in columns if (column := table.property(one))],
            "EntityKeyIndexStatus": "Active",
        }
        for name, columns in table.keys.items()
        if not name.startswith("unique ")
    ]


def _relationships(table: Table) -> list[dict[str, Any]]:
    documents = []
    for navigation, (column, target) in table.navigations().items():
        other = tables("dataverse")[target]
        name = f"{other.logical}_{table.logical}_{column.name}"
        documents.append(
            {
                "MetadataId": new_guid(f"metadata {name}"),
                "SchemaName": name,
                "ReferencingEntity": table.logical,
                "ReferencingAttribute": column.name,
                "ReferencedEntity": other.logical,
                "ReferencedAttribute": other.key[0],
                "ReferencingEntityNavigationPropertyName": navigation,
                "ReferencedEntityNavigationPropertyName": name,
                "RelationshipType": "OneToManyRelationship",
            }
        )
    return documents


def _column_shaped(document: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """A column as asked for; the options of a choice are not modelled, so that its set is there and empty (assumed)."""
    shaped = _selected(document, query.get("$select"))
    for name in re.findall(r"(\w+)(?:\([^)]*\))?(?:,|$)", query.get("$expand", "")):
        if name != "OptionSet":
            msg = f"$expand={name} of metadata"
            raise NotModelledError(msg)
        own = f"{document['EntityLogicalName']}_{document['LogicalName']}"
        shaped[name] = {"MetadataId": new_guid(f"metadata {own}"), "Name": own, "IsGlobal": False, "Options": []}
    return shaped


def _filtered(documents: list[dict[str, Any]], text: str | None) -> list[dict[str, Any]]:
    if not text:
        return documents
    return [document for document in documents if any(_all(document, part) for part in text.split(" or "))]


def _all(document: Mapping[str, Any], text: str) -> bool:
    return all(_term(document, part) for part in text.split(" and "))


def _term(document: Mapping[str, Any], text: str) -> bool:
    text = re.sub(r"Microsoft\.Dynamics\.CRM\.\w+(?=')", "", text)
    match = _TERM.fullmatch(text)
    if match is None or match[1] in _LEFT_OUT - set(document):
        msg = f"$filter={text.strip()} of metadata"
        raise NotModelledError(msg)
    if match[1] not in document:
        raise _unknown_member(match[1])
    value = document[match[1]]
    if match[3]:
        return bool(value is (match[3] == "true"))
    return str(value) == match[2].replace("''", "'")


def _cast(items: list[dict[str, Any]], rest: list[str]) -> list[dict[str, Any]]:
    if not rest:
        return items
    return [item for item in items if item.get("@odata.type") == f"#{rest[0]}"]


def _shaped(document: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    shaped = _selected(document, query.get("$select"))
    table = table_by_logical_name(str(document["LogicalName"]))
    for name, options in re.findall(r"(\w+)(?:\(([^)]*)\))?(?:,|$)", query.get("$expand", "")):
        shaped[name] = _expanded(table, name, options)
    return shaped


def _expanded(table: Table | None, name: str, options: str) -> list[dict[str, Any]]:
    """The collection of that name under the options in its parentheses."""
    if name in _OTHER_EXPANSIONS:
        msg = f"$expand={name} of metadata"
        raise NotModelledError(msg)
    if name not in _COLLECTIONS or table is None:
        msg = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.EntityMetadata'."
        # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors: code 0x0, clients report 0x80060888
        raise bad_query(msg)
    nested = dict(part.strip().partition("=")[::2] for part in options.split(";") if part)
    items = _filtered(collection(table, name), nested.get("$filter"))
    return [_selected(one, nested.get("$select")) for one in items]


def _selected(document: dict[str, Any], select: str | None) -> dict[str, Any]:
    if not select:
        return dict(document)
    wanted = [name.strip() for name in select.split(",")]
    for name in wanted:
        if name not in document:
            _check_left_out(name)
    shown = {*wanted, "@odata.type", "MetadataId"}
    return {name: value for name, value in document.items() if name in shown}


def _check_left_out(name: str) -> None:
    """Refuse a property that the definition does not have; some definitions lack what others of their kind have."""
    if name in _LEFT_OUT:
        msg = f"$select={name} of metadata"
        raise NotModelledError(msg)
    if name not in _OF_SOME:
        raise _unknown_member(name)


def _unknown_member(name: str) -> ServiceError:
    # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors: code 0x0, clients report 0x80060888
    return bad_query(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.MetadataBase'.")


# Members of real definitions that the emulator leaves out (EntityMetadata, AttributeMetadata of the Web API reference).
_LEFT_OUT = {
    "AttributeTypeName",
    "CanCreateAttributes",
    "CreatedOn",
    "DataProviderId",
    "Description",
    "DisplayCollectionName",
    "DisplayName",
    "FormatName",
    "HasChanged",
    "IconSmallName",
    "IntroducedVersion",
    "IsActivity",
    "IsAuditEnabled",
    "IsCustomizable",
    "IsIntersect",
    "IsManaged",
    "IsPrivate",
    "IsRenameable",
    "IsSearchable",
    "IsSecured",
    "IsValidForAdvancedFind",
    "ModifiedOn",
    "ObjectTypeCode",
    "PrimaryImageAttribute",
    "TableType",
}
# Members of some kinds of columns alone.
_OF_SOME = {"Targets", "MaxLength"}
# What an expansion of metadata may name besides the collections.
_OTHER_EXPANSIONS = {"GlobalOptionSet", "OptionSet", "Settings"}
