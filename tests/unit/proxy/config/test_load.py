"""A configuration file is read only when named, checked whole, and every mistake is told at once."""

import os
from pathlib import Path

import pytest

from proxy.config.errors import ConfigErrors, NoKeys
from proxy.config.listeners import Overrides
from proxy.config.load import load, relisten
from proxy.config.values import BreakerSettings, Config, HealthSettings, Step

KEYS = {"OPENAI_API_KEY": "openai-key"}


def told(path: str | None, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(path, env or {})
    return [str(error) for error in caught.value.errors]


def test_a_good_file_becomes_values(load_text):
    """Providers, keys and chains arrive as written; what is not said has its default."""
    loaded = load_text("")
    config = loaded.config
    alpha = config.providers["alpha"]
    assert (alpha.base_url, alpha.keys[0].source, alpha.keys[0].secret.reveal()) == (
        "https://alpha.example/v1",
        "env:ALPHA_KEY",
        "alpha-key",
    )
    assert config.models["gpt-4o"].chain == (Step("alpha", "gpt-4o"), Step("beta", "claude"))
    assert alpha.breaker == BreakerSettings()
    assert config.server.listen == "127.0.0.1:4600"
    assert (config.source, loaded.warnings) == ("config.toml", ())


def test_every_mistake_is_told_at_once(mistakes):
    """One run names them all, each with the file and its path."""
    found = mistakes(
        """
[breaker]
open_s = -1
[retry]
atempts_per_target = 3
[server]
engine = "curl"
[models."x"]
chain = ["gamma/x"]
[providers.gama]
dialect = "openai-chat"
base_url = "http://gama.example/v1"
keys = ["env:GAMMA_KEY"]
"""
    )
    assert found == [
        'config.toml: server.engine: "curl" is not known; known: native and httpx2',
        "config.toml: breaker.open_s: must be more than 0 and at most 86400, not -1",
        'config.toml: retry.atempts_per_target: is not a known key; did you mean "attempts_per_target"?',
        (
            "config.toml: providers.gama.base_url: must be https: gama.example is neither this machine nor listed in "
            "[server] cluster_hosts"
        ),
        "config.toml: providers.gama.keys: entry 1: environment variable GAMMA_KEY is not set",
        'config.toml: models.x.chain: entry 1 names "gamma", but there is no [providers.gamma]; did you mean "gama"?',
    ]


def test_an_unknown_section_is_refused_with_the_nearest_name(mistakes):
    assert mistakes("[modles.x]\nchain = []") == ['config.toml: modles: is not a known key; did you mean "models"?']
    assert mistakes("[leger]\n") == ['config.toml: leger: is not a known key; did you mean "ledger"?']


@pytest.mark.parametrize("name", ["breaker", "providers", "models", "clients", "server"])
def test_a_section_that_is_no_table_is_refused(mistakes, name):
    [first, *_] = mistakes("", base=f"{name} = 3")
    assert first == f"config.toml: {name}: must be a table, not a whole number"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = ", "config.toml: is not valid TOML: invalid value (at end of document)"),
        (b"[a]\nb = 1\nb = 2\n", "config.toml: is not valid TOML: cannot overwrite a value (at line 3, column 6)"),
        (b"# ok\na = '\xff'\n", "config.toml: line 2 is not UTF-8"),
        (b"a = " + b"[" * 100_000, "config.toml: is nested too deeply"),
    ],
)
def test_a_file_that_is_not_toml_gets_one_line_with_the_place(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_bytes(content)
    assert told("config.toml") == [message]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    missing = tmp_path / "none.toml"
    assert told(str(missing)) == [f"{missing}: cannot be read: no such file or directory"]
    assert told(str(tmp_path)) == [f"{tmp_path}: cannot be read: is a directory"]


def test_a_huge_file_is_not_read(tmp_path):
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(5 * 1024 * 1024)
    assert told(str(huge)) == [f"{huge}: is larger than 4194304 bytes"]


def test_the_variable_names_the_file_and_the_option_wins(tmp_path):
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("x = 1")
    two.write_text("y = 1")
    assert told(None, {"SIDESTEP_CONFIG": str(one)})[0].startswith(f"{one}: x: is not a known key")
    assert told(str(two), {"SIDESTEP_CONFIG": str(one)})[0].startswith(f"{two}: y: is not a known key")


def test_a_file_that_the_variable_names_wrongly_is_told_with_the_variable():
    [line] = told(None, {"SIDESTEP_CONFIG": "/none.toml"})
    assert line == "/none.toml: cannot be read: no such file or directory (it is named by SIDESTEP_CONFIG)"


def test_whether_providers_are_looked_at_is_said_for_all_and_otherwise_for_one(load_text):
    loaded = load_text(
        """
[health]
active = true
interval_s = 20
[providers.quiet]
dialect = "openai-chat"
base_url = "https://quiet.example/v1"
health = {active = false}
[providers.often]
dialect = "openai-chat"
base_url = "https://often.example/v1"
health = {interval_s = 5}
"""
    )
    assert loaded.warnings == ()
    assert loaded.config.health == HealthSettings(active=True, interval_s=20)
    assert loaded.config.providers["quiet"].health == HealthSettings(active=False, interval_s=20)
    assert loaded.config.providers["often"].health == HealthSettings(active=True, interval_s=5)


def test_a_file_in_the_working_folder_is_not_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text("this is not TOML")
    assert load(None, KEYS).config.source == "environment"


def test_an_empty_file_lacks_providers_and_models(mistakes):
    assert mistakes("", base="") == [
        "config.toml: providers: is missing: add at least one [providers.NAME]",
        'config.toml: models: is missing: add at least one [models."NAME"] with a chain, or [models."*"]',
    ]


def test_without_file_and_keys_the_error_is_its_own_kind():
    """Callers may serve a demo then, and only then."""
    with pytest.raises(NoKeys) as caught:
        load(None, {})
    [line] = str(caught.value).splitlines()
    assert line.startswith("no provider has a key: set OPENAI_API_KEY")


@pytest.mark.parametrize("path", ["", " "])
def test_a_file_without_a_name_is_refused(path):
    """As a script's empty variable gives it: the file that was meant would silently not be read."""
    with pytest.raises(ConfigErrors) as caught:
        load(path, {"OPENAI_API_KEY": "k"})
    assert str(caught.value) == "option --config: must name a file"


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (Overrides(port=4601), "option --port: 127.0.0.1:4601 is the admin port's own address"),
        (Overrides(port=4601, admin="127.0.0.1:4601"), "option --admin: is the data port's own address"),
    ],
)
def test_ports_that_collide_are_told_by_the_option_that_made_them(overrides, told):
    with pytest.raises(ConfigErrors) as caught:
        load(None, {"OPENAI_API_KEY": "k"}, overrides)
    assert str(caught.value).startswith(told)


def test_a_mistake_without_keys_is_not_a_mere_lack_of_keys():
    with pytest.raises(ConfigErrors) as caught:
        load(None, {"AI_PROVIDER": "opnai"})
    assert not isinstance(caught.value, NoKeys)


def test_a_file_without_its_secrets_is_not_a_lack_of_keys(mistakes, load_text):
    """A pod whose Secret is missing must never fall to a demo."""
    with pytest.raises(ConfigErrors) as caught:
        load_text("", env={})
    assert not isinstance(caught.value, NoKeys)


def test_a_file_overrules_the_provider_variables_and_says_so(load_text):
    loaded = load_text("", env={**os.environ, "ALPHA_KEY": "a", "BETA_KEY": "b", "AI_PROVIDER": "mistral"})
    assert loaded.warnings == (
        "AI_PROVIDER and AI_FALLBACK_PROVIDER are not read: config.toml says which providers serve",
    )


def test_a_wildcard_step_without_a_default_model_is_warned_of(load_text):
    loaded = load_text('[models."*"]\nchain = ["alpha/*", "beta/*"]')
    assert loaded.warnings == (
        (
            'config.toml: models."*".chain: beta/* has no default_model, so every model is asked for there by the '
            "client's name"
        ),
    )


def test_no_secret_shows_in_any_repr(load_text):
    canary = "sk-canary-0123456789"
    loaded = load_text("", env={"ALPHA_KEY": canary, "BETA_KEY": canary})
    assert canary not in repr(loaded) + str(loaded) + f"{loaded.config.providers['alpha'].keys}"


def test_relisten_moves_a_ready_configuration_under_the_same_rules():
    moved = relisten(Config({}, {}), {}, Overrides(port=4700, admin="127.0.0.1:4701"))
    assert (moved.server.listen, moved.server.admin) == ("127.0.0.1:4700", "127.0.0.1:4701")
    with pytest.raises(ConfigErrors, match="reachable from other machines"):
        relisten(Config({}, {}), {}, Overrides(host="0.0.0.0"))


def test_relisten_admits_the_clients_of_the_environment():
    moved = relisten(Config({}, {}), {"SIDESTEP_CLIENT_SHA256": "ab" * 32}, Overrides(host="0.0.0.0"))
    assert list(moved.clients) == ["env"]
