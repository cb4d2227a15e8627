"""A clock that tests own, and records."""

import pytest
from msgspec import structs

from proxy.usage.record import Record

NOON = 1_700_000_000.0


class FakeClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time - 1000.0 + NOON


def record(number: int = 1, **fields) -> Record:
    usual = Record(
        id=f"req_{number:04}", at=NOON + number, client="web", asked="auto", route="chat", provider="alpha",
        model="large", output=10, cost=5, attempts=1, ms=400, status=200, signal="whole",
    )  # fmt: skip
    return structs.replace(usual, **fields)


@pytest.fixture(name="record")
def _record():
    return record


@pytest.fixture
def clock():
    return FakeClock()
