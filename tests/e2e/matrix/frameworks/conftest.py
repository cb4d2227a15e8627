"""An agent's task of two tools, whose first tool breaks the provider that asked for it.

So each framework's own loop fails over in its middle, from every dialect to every other. The frameworks are no
dependency: `make test-frameworks` installs them, and where one is missing its tests are skipped.
"""

from dataclasses import dataclass, field

import pytest

from proxy.drill import script
from proxy.drill.provider import ScriptedProvider


@dataclass
class Task:
    """What an agent is to do, with which model, and what its tools saw."""

    url: str
    """Base URL, `/v1` included."""
    model: str
    first: ScriptedProvider
    second: ScriptedProvider
    text: str = "Use both tools, step by step."
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


@pytest.fixture
def task(matrix, pair):
    """Once the agent is through, both tools were called in their turn, and the second provider refused nothing."""
    model, first, second = pair
    made = Task(matrix.url, model, first, second)
    yield made
    assert made.called == ["weather of demo", "time"]
    assert matrix.calls()[second.name] == 2, "none was refused and asked again"
