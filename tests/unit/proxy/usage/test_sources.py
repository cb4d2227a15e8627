"""Records are read where the configuration keeps them, and where it keeps none that is said."""

import pytest

from proxy.config.spending import LedgerSettings
from proxy.usage.sink import Unread
from proxy.usage.sources import source_for


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (LedgerSettings("sqlite:////var/ledger.db"), "/var/ledger.db"),
        (LedgerSettings("sqlite:///ledger.db"), "ledger.db"),
        (LedgerSettings("redis://cache:6379/0", file="beside.db"), "beside.db"),
    ],
)
def test_a_file_of_this_machine_is_read_where_there_is_one(settings, place):
    assert source_for(settings).place == place


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (LedgerSettings(), "No records of usage are kept: add"),
        (LedgerSettings("memory:"), "No records of usage are kept: .*memory"),
        (LedgerSettings("sqlite:///x.db", usage=False), "No records of usage are kept: .*usage = false"),
    ],
)
def test_where_none_are_kept_it_says_why(settings, told):
    with pytest.raises(Unread, match=told):
        source_for(settings)
