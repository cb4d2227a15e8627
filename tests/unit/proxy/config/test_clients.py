"""Who may ask, for what, on whose account."""

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.listeners import Overrides
from proxy.config.load import load

ONE, TWO = "ab" * 32, "cd" * 32
KEYS = {"OPENAI_API_KEY": "k", "ALPHA_KEY": "a", "BETA_KEY": "b"}
CLIENT = f'[clients.app]\nkey_sha256 = ["{ONE}"]\n'
EMBEDS = '[embeddings.docs]\nchain = ["alpha/e3"]\n'
ANY = '[models."*"]\nchain = ["alpha/*"]\n'


def told(env: dict[str, str], overrides: Overrides | None = None) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(None, {**KEYS, **env}, overrides)
    return [str(error) for error in caught.value.errors]


def test_a_client_may_have_a_mode_of_its_own(load_text, mistakes):
    assert load_text(CLIENT).config.clients["app"].mode is None
    assert load_text(CLIENT + 'mode = "lenient"\n').config.clients["app"].mode == "lenient"
    [one] = mistakes(CLIENT + 'mode = "loose"\n')
    assert one.startswith('config.toml: clients.app.mode: "loose" is not known')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[clients.app]\n", "clients.app.key_sha256: must list at least one digest"),
        ("[clients.app]\nkey_sha256 = []", "clients.app.key_sha256: must list at least one digest"),
        ('[clients.app]\nkey_sha256 = ["sk-secret"]', "clients.app.key_sha256: entry 1 must be the SHA-256"),
        (f'[clients.app]\nkey_sha256 = "{ONE}"', "clients.app.key_sha256: must be a list, not text"),
        ('[clients.app]\nkey = "sk-secret"\nkey_sha256 = ["' + ONE + '"]', "clients.app.key: is not a known key"),
        (
            f'{CLIENT}[clients.b]\nkey_sha256 = ["{ONE.upper()}"]',
            "clients: app and b have the same key digest abababab",
        ),
        ("[clients]\napp = 1", "clients.app: must be a table"),
    ],
)
def test_every_mistake_of_a_client_has_its_path_and_shows_no_key(mistakes, text, message):
    found = mistakes(text)
    assert found[0].startswith(f"config.toml: {message}"), found
    assert "secret" not in "".join(found)


def test_the_environment_may_name_clients_too(load_text):
    config = load(None, {**KEYS, "SIDESTEP_CLIENT_SHA256": f"{ONE}, {TWO.upper()},"}, Overrides(host="0.0.0.0")).config
    assert config.clients["env"].key_sha256 == (ONE, TWO)
    both = load_text(CLIENT, env={**KEYS, "SIDESTEP_CLIENT_SHA256": TWO}).config
    assert sorted(both.clients) == ["app", "env"]


def test_a_wrong_digest_in_the_environment_is_told_without_it(mistakes):
    assert told({"SIDESTEP_CLIENT_SHA256": f"{ONE},sk-secret"}) == [
        (
            "environment variable SIDESTEP_CLIENT_SHA256: entry 2 must be the SHA-256 of a key in 64 hex digits "
            "(`sidestep key new NAME` prints one)"
        )
    ]
    text = f'[clients.env]\nkey_sha256 = ["{ONE}"]'
    [one] = mistakes(text, env={**KEYS, "SIDESTEP_CLIENT_SHA256": TWO})
    assert one.startswith("config.toml: clients.env: is the name of the client that SIDESTEP_CLIENT_SHA256 describes")


def test_without_a_word_a_client_may_ask_for_everything_and_speaks_for_nobody(load_text):
    app = load_text(CLIENT).config.clients["app"]
    assert (app.models, app.providers, app.team, dict(app.tags), app.speaks_for) == (None, None, "", {}, ())
    assert app.max_cost_per_request is None


def test_what_a_client_may_is_read(load_text):
    text = (
        CLIENT
        + """
models = ["gpt-*", "docs", "passthrough"]
providers = ["beta"]
team = "research"
tags = {cost-centre = "7", env = "dev"}
speaks_for = ["task", "user", "task"]
max_cost_per_request_usd = 0.000000001
"""
    )
    app = load_text(text + EMBEDS).config.clients["app"]
    assert (app.models, app.providers, app.team) == (("gpt-*", "docs", "passthrough"), ("beta",), "research")
    assert (app.tags, app.speaks_for) == ({"cost-centre": "7", "env": "dev"}, ("task", "user"))
    assert app.max_cost_per_request == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('models = ["gpt-40"]', 'models: entry 1: there is no model "gpt-40"; did you mean "gpt-4o"?'),
        ('models = ["gpt-4o", "o3*"]', 'models: entry 2: no model that is configured begins with "o3"'),
        ('models = ["g*o"]', 'models: entry 1 ("g*o") has a * that is not at its end'),
        ("models = []", "models: must name at least one, or be left out"),
        ('models = "gpt-4o"', "models: must be a list, not text"),
        ('providers = ["alfa"]', 'providers: entry 1: there is no provider "alfa"; did you mean "alpha"?'),
        ("providers = []", "providers: must name at least one, or be left out"),
        (f'team = "{"x" * 129}"', "team: must have at most 128 characters"),
        ('team = ""', "team: must be text of one line, and not empty"),
        ('tags = {"a b" = "c"}', 'tags."a b": is no tag\'s name'),
        (f'tags = {{a = "{"x" * 129}"}}', "tags.a: must have at most 128 characters"),
        ("tags = {a = 1}", "tags.a: must be text, not a whole number"),
        ("tags = {" + ", ".join(f'a{n} = "x"' for n in range(17)) + "}", "tags: has 17 tags, which is more than 16"),
        ('speaks_for = ["users"]', 'speaks_for: entry 1: "users" is not known; known: user, team and task; did you'),
        ("max_cost_per_request_usd = 0", "max_cost_per_request_usd: must be more than 0"),
        ("max_cost_per_request_usd = -0.5", "max_cost_per_request_usd: must be a decimal number from 0 to 9000000"),
        ("max_cost_per_request_usd = 0.0000000001", "max_cost_per_request_usd: must not have more than 9 decimals"),
    ],
)
def test_every_mistake_of_what_a_client_may_has_its_path(mistakes, line, message):
    [one] = mistakes(CLIENT + line)
    assert one.startswith(f"config.toml: clients.app.{message}"), one


def test_where_any_model_may_be_asked_for_any_may_stand_there(load_text):
    app = load_text(f'{CLIENT}models = ["o3", "beta/*"]\n{ANY}').config.clients["app"]
    assert app.models == ("o3", "beta/*")
