"""Records to keep, and a clock that tests own."""

import pytest
from msgspec import structs

from proxy.usage.record import Record

NOON = 1_700_000_000.0
"""2023-11-14 22:13:20 UTC."""


def record(number: int = 1, **fields) -> Record:
    usual = Record(
        id=f"req_{number:04}", at=NOON + number, client="web", team="shop", user="ann", task="sum",
        tags={"env": "live"}, asked="gpt-4o", route="chat", provider="alpha", model="gpt-4o-mini",
        input=100, cached=20, output=10, cost=1_234_567_891, attempts=1, ms=420, status=200,
    )  # fmt: skip
    return structs.replace(usual, **fields)


@pytest.fixture(name="record")
def _record():
    return record
