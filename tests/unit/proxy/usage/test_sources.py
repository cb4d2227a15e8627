"""Records are read where the configuration keeps them, and where it keeps none that is said."""

import pytest

from proxy.config.spending import LedgerSettings
from proxy.usage.redis import STREAM
from proxy.usage.sink import Unread
from proxy.usage.sources import source_for


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (LedgerSettings("sqlite:////var/ledger.db"), "/var/ledger.db"),
        (LedgerSettings("sqlite:///ledger.db"), "ledger.db"),
        (
            LedgerSettings("redis://cache:6379/0", file="beside.db"),
            f"Redis at cache:6379, stream {STREAM}, which keeps the newest 100000",
        ),
    ],
)
def test_what_all_machines_did_is_read_where_that_is_kept_and_else_the_file_of_this_one(settings, place):
    assert source_for(settings).place == place


def test_the_file_of_this_machine_can_be_asked_for():
    assert source_for(LedgerSettings("redis://cache:6379/0", file="beside.db"), here=True).place == "beside.db"
    assert source_for(LedgerSettings("redis://cache:6379/0"), here=True).place.startswith("Redis")


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
