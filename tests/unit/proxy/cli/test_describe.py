"""The stack as values: complete, resolved, and free of secrets."""

import json

import pytest
from msgspec import structs

from proxy.cli.describe import describe
from proxy.config.hidden import Secret
from proxy.config.values import (
    BreakerSettings,
    Client,
    Config,
    EmbeddingRoute,
    LimitSettings,
    ModelRoute,
    Provider,
    ProviderKey,
    ServerSettings,
    Step,
)
from translators.ir import Dialect

CANARY = "sk-canary"
ALPHA = Provider(
    "alpha",
    Dialect.OPENAI_CHAT,
    "https://alpha.example/v1",
    keys=(ProviderKey("env:A", Secret(CANARY)), ProviderKey("file:/a", Secret(CANARY + "2"))),
    headers={"x-team": CANARY},
    breaker=BreakerSettings(consecutive_failures=2),
    profile={"max_output": 99},
)
BETA = Provider("beta", Dialect.ANTHROPIC_MESSAGES, "https://beta.example", client_key=True, default_model="claude-x")
FAST = ModelRoute(
    "fast", (Step("alpha", "m"), Step("beta", "c")), timeouts={"deadline_s": 9.0}, retry={"max_total_attempts": 3}
)
ANY = ModelRoute("*", (Step("alpha", "*"), Step("beta", "*")))


@pytest.fixture
def config() -> Config:
    return Config(
        {"alpha": ALPHA, "beta": BETA},
        {"fast": FAST, "*": ANY},
        embeddings={"docs": EmbeddingRoute("docs", (Step("alpha", "e"),), 256)},
        clients={"app": Client("app", ("ab" * 32,), "strict"), "env": Client("env", ("cd" * 32,))},
        limits=LimitSettings(queue=3),
        source="c.toml",
    )


def test_targets_have_their_resolved_settings_and_attempts(config):
    fast = describe(config, ())["models"][0]
    assert (fast["deadline_s"], fast["total_attempts"]) == (9.0, 3)
    assert [(target["target"], target["attempts"]) for target in fast["chain"]] == [("alpha/m", 2), ("beta/c", 1)]
    assert fast["chain"][0]["breaker"] == structs.asdict(BreakerSettings(consecutive_failures=2))
    assert fast["chain"][0]["max_output"] == 99
    assert fast["chain"][1]["timeouts"]["deadline_s"] == 9.0


def test_a_wildcard_shows_what_each_provider_would_be_asked_for(config):
    any_model = describe(config, ())["models"][1]
    assert [target["target"] for target in any_model["chain"]] == ["alpha/*", "beta/claude-x"]


def test_keys_are_their_sources_and_clients_the_start_of_their_digests(config):
    stack = describe(config, ())
    assert stack["providers"][0]["keys"] == ["env:A", "file:/a"]
    assert stack["providers"][1]["keys"] == ["client"]
    assert stack["clients"] == [
        {"name": "app", "source": "file", "keys": ["abababab"], "mode": "strict"},
        {"name": "env", "source": "SIDESTEP_CLIENT_SHA256", "keys": ["cdcdcdcd"], "mode": None},
    ]


def test_embeddings_limits_and_warnings_are_there(config):
    stack = describe(config, ["beware"])
    assert (stack["embeddings"][0]["name"], stack["embeddings"][0]["dimensions"]) == ("docs", 256)
    assert stack["limits"]["queue"] == 3
    assert (stack["warnings"], stack["source"]) == (["beware"], "c.toml")


def test_no_more_attempts_are_told_than_the_targets_may_have(config):
    """Two targets of 3 share the 6; the embeddings' one target has 3."""
    stack = describe(config, ())
    assert [route["total_attempts"] for route in (*stack["models"], *stack["embeddings"])] == [3, 6, 3]


BESIDE = {Provider: ["demo"]}
"""`demo` is told once, for the whole stack."""
ELSEWHERE = {"chain", "breaker", "retry", "timeouts"}
"""Told for each target, resolved."""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (ModelRoute, lambda stack: stack["models"][0]),
        (EmbeddingRoute, lambda stack: stack["embeddings"][0]),
        (Provider, lambda stack: stack["providers"][0]),
        (ServerSettings, lambda stack: stack["server"]),
        (Client, lambda stack: stack["clients"][0]),
        (Config, lambda stack: stack),
    ],
)
def test_no_setting_is_left_out(config, settings, told):
    """So that what rules a proxy can always be seen from outside."""
    names = {"key_sha256": "keys", "client_key": "keys"}
    own = {names.get(name, name) for name in settings.__struct_fields__} - ELSEWHERE - set(BESIDE.get(settings, ()))
    assert own <= set(told(describe(config, ())))


def test_it_is_json_without_secrets(config):
    assert CANARY not in json.dumps(describe(config, ()))
