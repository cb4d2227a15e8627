"""Fixtures of the state machines: chance that a test sets, and a breaker."""

import pytest

from proxy.config.values import BreakerSettings
from proxy.resilience.breaker import Breaker


class Chance:
    """A `uniform` that always gives `value`."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


@pytest.fixture
def chance() -> Chance:
    return Chance()


@pytest.fixture
def breaker(chance):
    """Of default settings."""
    return Breaker(BreakerSettings(), chance)
