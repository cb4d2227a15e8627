"""A configuration can be had without its keys, for what calls nobody."""

import pytest

from proxy.config.errors import ConfigErrors
from proxy.config.keyless import content, defaults
from proxy.config.load import load


def written(tmp_path, provider, more=""):
    file = tmp_path / "keyless.toml"
    file.write_text(f'[providers.one]\n{provider}\n[models.m]\nchain = ["one/x"]\n{more}')
    return str(file)


PROVIDERS = [
    ('vendor = "openai"', 1),
    ('vendor = "openai"\nkeys = ["env:NOT_SET", "file:/nowhere/key"]', 2),
    ('vendor = "openai"\nkeys = ["client"]', 1),
    ('vendor = "azure-openai"\nbase_url = "https://x.example/openai/v1"\nkeys = ["entra:"]', 1),
    ('vendor = "openai"\nkeys = []', 0),
    ('vendor = "openai"\nca_file = "/nowhere/ca.pem"\nproxy = "http://egress.example:1"', 1),
    ('dialect = "openai-chat"\nbase_url = "http://127.0.0.1:9/v1"', 0),
]


@pytest.mark.parametrize(("provider", "keys"), PROVIDERS)
def test_each_key_has_a_stand_in_of_its_own(tmp_path, provider, keys):
    """Several keys stay several, for what they do about a refusal is worth a drill."""
    [one] = load(written(tmp_path, provider), {}, offline=True).config.providers.values()
    assert len({key.secret for key in one.keys}) == keys
    assert not one.client_key
    assert (one.ca_file, one.proxy) == (None, None)


@pytest.mark.parametrize("provider", [one for one, keys in PROVIDERS[:6] if keys and "client" not in one])
def test_without_being_asked_for_it_a_missing_key_is_still_a_mistake(tmp_path, provider):
    with pytest.raises(ConfigErrors):
        load(written(tmp_path, provider), {})


def test_every_other_mistake_is_told_all_the_same(tmp_path):
    with pytest.raises(ConfigErrors) as caught:
        load(written(tmp_path, 'vendor = "openai"', "[breaker]\nopen_s = -1\n"), {}, offline=True)
    assert "open_s" in str(caught.value.errors[0])


@pytest.mark.parametrize("told", [{}, {"providers": 3}, {"providers": {"one": 3}}, {"providers": {"one": {"keys": 3}}}])
def test_what_is_malformed_is_left_as_it_is(told):
    assert content(told) == told


def test_the_content_given_is_not_changed():
    told = {"providers": {"one": {"vendor": "openai", "keys": ["env:A"]}}}
    assert content(told)["providers"]["one"]["keys"] != ["env:A"]
    assert told == {"providers": {"one": {"vendor": "openai", "keys": ["env:A"]}}}


@pytest.mark.parametrize(
    ("env", "chain"),
    [
        ({}, ["openai", "anthropic"]),
        ({"AI_PROVIDER": "anthropic", "AI_FALLBACK_PROVIDER": "gemini, mistral"}, ["anthropic", "gemini", "mistral"]),
        ({"AI_PROVIDER": "azure-openai"}, ["azure-openai", "anthropic"]),
        ({"AI_FALLBACK_ENABLED": "false"}, ["openai"]),
        ({"OPENAI_API_KEY": "k"}, ["openai"]),
    ],
)
def test_without_a_file_the_environments_own_chain_is_had(env, chain):
    """As it is where there is a key, as it would be with all of them where there is none."""
    config = load(None, env, offline=True).config
    assert [step.provider for step in config.models["*"].chain] == chain


def test_a_vendor_that_nobody_knows_is_left_for_others_to_refuse():
    assert defaults({"AI_PROVIDER": "nobody"})["AI_PROVIDER"] == "nobody"
    with pytest.raises(ConfigErrors):
        load(None, {"AI_PROVIDER": "nobody"}, offline=True)
