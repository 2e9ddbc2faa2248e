"""The whole way of a map on a new pair: listed, applied, initialised, started, stopped."""

from tests.unit.emulator.dual_write.administrator import Administrator

MAP = "cdm_companies - Legal entities"


def test_map_goes_all_the_way(pair: Administrator) -> None:
    """From the link to Running and back, every step as the reference has it."""
    assert pair.maps() == {}
    pair.apply()
    assert pair.maps()[MAP]["state"] == "1"
    assert "pid" not in pair.maps()[MAP]
    pair.do("8", MAP)
    assert pair.maps()[MAP]["pid"]
    request = pair.do("1", MAP, skipInitialSync=True)
    assert pair.outcome(request) == [("2", None)]
    assert pair.maps()[MAP]["state"] == "4"
    assert pair.maps()[MAP]["actions"] == ["4", "5"]
    pair.do("4", MAP)
    assert pair.maps()[MAP]["state"] == "1"
    assert "actions" not in pair.maps()[MAP]
