"""Random writes to the customer groups of a linked pair, and what both sides show of them."""

from hypothesis import strategies as st

from emulator.dual_write.states import MapState
from tests.unit.emulator.dual_write.linked_pair import CUSTOMER_GROUPS, LinkedPair

Writes = list[tuple[str, str, str, str, bool]]
WRITES = st.lists(
    st.tuples(
        st.sampled_from(["finops", "dataverse"]),
        st.sampled_from(["put", "put", "put", "delete"]),
        st.sampled_from(["1", "2", "a", "B"]),
        st.text("abÄ '", max_size=4),
        st.booleans(),
    ),
    max_size=14,
)


def clear(link: LinkedPair) -> None:
    """Take all customer groups away on both sides: examples of one test share the tenant."""
    link.run(CUSTOMER_GROUPS, MapState.STOPPED)
    for row in link.all("finops", "CustomerGroups"):
        link.delete("finops", "CustomerGroups", f"dat|{row['CustomerGroupId']}")
    for row in link.all("dataverse", "msdyn_customergroups"):
        link.delete("dataverse", "msdyn_customergroups", row["msdyn_customergroupid"])


def play(link: LinkedPair, writes: Writes) -> None:
    """Play writes to customer groups: `put` inserts or updates, `delete` removes what is there."""
    for plane, operation, key, text, flag in writes:
        finops = plane == "finops"
        entity_set = "CustomerGroups" if finops else "msdyn_customergroups"
        frame = {"dataAreaId": "dat"} if finops else {"_msdyn_company_value": link.company["cdm_companyid"]}
        identity = {("CustomerGroupId" if finops else "msdyn_groupid"): key, **frame}
        found = link.all(plane, entity_set, **identity)
        row_id = "" if not found else f"dat|{key}" if finops else found[0]["msdyn_customergroupid"]
        names = (
            ("Description", "IsSalesTaxIncludedInPrice")
            if finops
            else (
                "msdyn_description",
                "msdyn_issalestaxincludedinprice",
            )
        )
        values = dict(zip(names, (text, ("Yes" if flag else "No") if finops else flag), strict=True))
        if operation == "delete":
            if found:
                link.delete(plane, entity_set, row_id)
        elif found:
            link.update(plane, entity_set, row_id, **values)
        else:
            (link.finops if finops else link.dataverse)(entity_set, **identity, **values)


def shown(link: LinkedPair) -> tuple[set[tuple[str, str, bool]], set[tuple[str, str, bool]]]:
    """Return what both sides say of their customer groups."""
    finops = {
        (row["CustomerGroupId"], row["Description"], row["IsSalesTaxIncludedInPrice"] == "Yes")
        for row in link.all("finops", "CustomerGroups")
    }
    dataverse = {
        (row["msdyn_groupid"], row["msdyn_description"] or "", row["msdyn_issalestaxincludedinprice"])
        for row in link.all("dataverse", "msdyn_customergroups")
    }
    return finops, dataverse
