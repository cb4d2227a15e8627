"""An experiment's shares through a real proxy, small; `make experiment` is the same over 20,000 requests."""

from tests.shares.scene import AGAIN, SHARES, played

REQUESTS = 1_000


async def test_each_arm_gets_its_share_and_keeps_its_users(tmp_path):
    """The users are the same each time, and so is what they get."""
    seen = await played(tmp_path, REQUESTS)
    assert (seen.errors, seen.moved) == (0, 0)
    assert set(seen.served) == set(SHARES) and sum(seen.served.values()) == REQUESTS
    assert seen.off <= 3.0
    assert sum(seen.recorded.values()) == REQUESTS + REQUESTS // AGAIN
    assert all(seen.recorded[arm] >= count for arm, count in seen.served.items())
