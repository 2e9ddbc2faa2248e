"""Live sync of the one pair: what refreshes and updates of a stored LiveSync do."""

from providers.live_sync import LiveSyncInputs, LiveSyncOutputs, LiveSyncProvider
from tests.support.one_pair import IDENTIFIER, OnePair

PROVIDER = LiveSyncProvider()


def read(pair: OnePair, stored: LiveSyncOutputs) -> LiveSyncOutputs:
    """What a refresh finds."""
    found = PROVIDER.on_read(IDENTIFIER, stored, pair.call())
    assert found is not None
    return found


def updated(pair: OnePair, stored: LiveSyncOutputs, inputs: LiveSyncInputs) -> LiveSyncOutputs:
    """What an update to these inputs stores."""
    return PROVIDER.on_update(IDENTIFIER, stored, inputs, pair.call())
