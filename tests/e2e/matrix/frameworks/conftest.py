"""An agent's task of two tools, whose first tool breaks the provider that asked for it.

So each framework's own loop fails over in its middle, from every dialect to another. The frameworks are no dependency:
`make test-frameworks` installs them, and where one is missing its tests are skipped.
"""

from dataclasses import dataclass, field

import pytest

from proxy.drill import script
from proxy.drill.provider import ScriptedProvider

RING = [("chat", "responses"), ("responses", "messages"), ("messages", "gemini"), ("gemini", "chat")]
"""Each dialect once as the one that fails, and once as the one that takes over."""


@dataclass
class Task:
    """What an agent is to do, with which model, and what its tools saw."""

    text = "Use both tools, step by step."
    url: str
    model: str
    first: ScriptedProvider
    second: ScriptedProvider
    called: list[str] = field(default_factory=list)

    def get_weather(self, city: str) -> str:
        """The weather of a city."""
        self.called.append(f"weather of {city}")
        self.first.script = script.status(503)
        return "rain"

    def get_time(self) -> str:
        """What time it is."""
        self.called.append("time")
        return "noon"

    def check(self, text: str) -> None:
        """The loop ended well at the second provider, which was asked twice and refused nothing."""
        assert self.called == ["weather of demo", "time"]
        assert f"from {self.second.name}" in text
        assert self.second.request_count - self.asked == 2

    def __post_init__(self) -> None:
        self.asked = self.second.request_count


@pytest.fixture
def task(matrix, pair):
    model, first, second = pair
    return Task(matrix.url, model, first, second)


def pytest_generate_tests(metafunc):
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", RING, indirect=True, ids=[">".join(one) for one in RING])
