"""Fixtures of the state machines: chance that a test sets."""

import pytest


class Chance:
    """A `uniform` that always gives `value`."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


@pytest.fixture
def chance() -> Chance:
    return Chance()
