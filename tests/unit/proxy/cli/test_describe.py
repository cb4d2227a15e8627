"""The stack as values: complete, resolved, and free of secrets."""

import json

import pytest
from msgspec import structs

from proxy.cli.describe import describe, usd
from proxy.config.hidden import Secret
from proxy.config.spending import AlertSettings, Rate, Spending
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

APP = Client(
    "app",
    ("ab" * 32,),
    "strict",
    ("fast",),
    ("alpha",),
    "web",
    {"cost": "7"},
    ("user",),
    max_cost_per_request=1_500_000_000,
)


@pytest.fixture
def config() -> Config:
    return Config(
        {"alpha": ALPHA, "beta": BETA},
        {"fast": FAST, "*": ANY},
        embeddings={"docs": EmbeddingRoute("docs", (Step("alpha", "e"),), 256)},
        clients={"app": APP, "env": Client("env", ("cd" * 32,))},
        spending=Spending(
            rates=(Rate("users", {"user": "*"}, 60),), alerts=AlertSettings("https://h.example", Secret(CANARY))
        ),
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
    assert [(one["name"], one["source"], one["keys"]) for one in stack["clients"]] == [
        ("app", "file", ["abababab"]),
        ("env", "SIDESTEP_CLIENT_SHA256", ["cdcdcdcd"]),
    ]


def test_what_a_client_may_is_there_and_all_where_nothing_limits_it(config):
    app, env = describe(config, ())["clients"]
    assert (app["mode"], app["models"], app["providers"], app["team"]) == ("strict", ["fast"], ["alpha"], "web")
    assert (app["tags"], app["speaks_for"], app["max_cost_per_request_usd"]) == ({"cost": "7"}, ["user"], "1.5")
    assert (env["mode"], env["models"], env["providers"], env["max_cost_per_request_usd"]) == (None, None, None, None)


@pytest.mark.parametrize(("nanos", "told"), [(1, "0.000000001"), (10**9, "1"), (2 * 10**10, "20"), (None, None)])
def test_dollars_are_told_to_the_last_nano(nanos, told):
    assert usd(nanos) == told


def test_rates_and_alerts_are_there_and_no_secret(config):
    told = describe(config, ())["spending"]
    assert told["rates"] == [
        {"name": "users", "scope": {"user": "*"}, "requests_per_minute": 60, "tokens_per_minute": 0, "concurrent": 0}
    ]
    assert told["alerts"] == {"webhook": "https://h.example", "signed": True}
    assert told["ledger"] == {
        "url": "", "password": False, "timeout_s": 0.05, "usage": True, "keep_days": 90, "file": "",
        "usage_places": [],
    }  # fmt: skip


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
    names = {
        "key_sha256": "keys",
        "client_key": "keys",
        "max_cost_per_request": "max_cost_per_request_usd",
    }
    own = {names.get(name, name) for name in settings.__struct_fields__} - ELSEWHERE - set(BESIDE.get(settings, ()))
    assert own <= set(told(describe(config, ())))


def test_it_is_json_without_secrets(config):
    assert CANARY not in json.dumps(describe(config, ()))
