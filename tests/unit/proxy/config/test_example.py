"""The examples at the top level are true: config.toml loads, and .env.example names every variable."""

import re
import tomllib
from pathlib import Path

from msgspec import structs

from proxy.config.load import load
from proxy.config.orders import Ordering
from proxy.config.values import (
    BreakerSettings,
    HealthSettings,
    LimitSettings,
    ModelRoute,
    Provider,
    RetrySettings,
    ServerSettings,
    TimeoutSettings,
)
from proxy.config.zero import variables

ROOT = Path(__file__).parents[4]
KEYS = {name: f"fake-{name.lower()}" for name in variables() if name.endswith("_API_KEY")}


def example() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "config.toml").read_text("utf-8"))


def test_the_example_configuration_loads_without_a_warning():
    loaded = load(str(ROOT / "config.toml"), KEYS)
    assert loaded.warnings == ()
    assert {"openai", "anthropic", "azure", "deepseek", "local"} <= set(loaded.config.providers)
    assert {"gpt-4o", "fast", "*"} == set(loaded.config.models)


def test_the_example_shows_every_knob_with_its_default():
    """The sections of defaults are the defaults, and none is missing."""
    sections = {
        "breaker": BreakerSettings,
        "retry": RetrySettings,
        "timeouts": TimeoutSettings,
        "limits": LimitSettings,
        "health": HealthSettings,
    }
    for name, kind in sections.items():
        assert example()[name] == structs.asdict(kind()), name
    server = structs.asdict(ServerSettings())
    shown = example()["server"]
    assert set(shown) == set(server)
    assert {key: value for key, value in shown.items() if key != "cluster_hosts"} == {
        key: value for key, value in server.items() if key != "cluster_hosts"
    }


def test_the_example_mentions_every_key_of_a_provider_and_a_model():
    """As a setting or in a comment."""
    text = (ROOT / "config.toml").read_text("utf-8")
    inner = {"name", "demo", "client_key", "ordering"}
    for kind in (Provider, ModelRoute, Ordering):
        for field in structs.fields(kind):
            assert field.name in inner or re.search(rf"\b{field.name}\b", text), field.name


def test_the_environments_example_names_every_variable_and_no_other():
    """`make run` sources it as shell; each variable stands there, set or commented out."""
    text = (ROOT / ".env.example").read_text("utf-8")
    named = re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)
    assert sorted(named) == sorted(set(named)), "a variable stands there twice"
    assert set(named) == set(variables())


def test_the_environments_example_is_a_good_environment():
    """With a key filled in, what it sets by itself is a configuration without warnings."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    env = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))
    loaded = load(None, env | {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"})
    assert loaded.warnings == ()
    assert [step.provider for step in loaded.config.models["*"].chain] == ["openai", "anthropic"]
