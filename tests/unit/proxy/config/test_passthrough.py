"""`[passthrough]`: one provider that speaks OpenAI's dialect, and paths that can be meant."""

import pytest

from proxy.config.load import load
from proxy.config.values import PASSED, PassthroughSettings


def test_without_the_section_nothing_passes(load_text):
    assert load_text("").config.passthrough.provider == ""


def test_a_provider_alone_gets_the_usual_paths(load_text):
    assert load_text('[passthrough]\nprovider = "alpha"').config.passthrough == PassthroughSettings("alpha", PASSED)


def test_paths_may_be_named_or_none(load_text):
    text = '[passthrough]\nprovider = "alpha"\npaths = '
    settings = load_text(text + '["/v1/moderations", "/v1/files/*", "/v1/*"]').config.passthrough
    assert settings.paths == ("/v1/moderations", "/v1/files/*", "/v1/*")
    assert load_text(text + "[]").config.passthrough.paths == ()
    assert load_text("[passthrough]\npaths = []").config.passthrough.provider == ""


@pytest.mark.parametrize(
    ("text", "key", "mistake"),
    [
        ('provider = "alhpa"', "provider", 'names "alhpa", but there is no [providers.alhpa]; did you mean "alpha"?'),
        ('provider = "beta"', "provider", '"beta" speaks anthropic-messages'),
        ("provider = 1", "provider", "must be text"),
        ('paths = ["/v1/files"]', "provider", "is missing"),
        ('provider = "alpha"\npath = []', "path", "is not a known key"),
        ('provider = "alpha"\npaths = "/v1/files"', "paths", "must be a list"),
        ('provider = "alpha"\npaths = ["/v1/realtime/*"]', "paths", 'entry 1 ("/v1/realtime/*") does not pass through'),
    ],
)
def test_what_cannot_be_meant_is_told(mistakes, text, key, mistake):
    (told,) = mistakes("[passthrough]\n" + text)
    assert f"passthrough.{key}" in told and mistake in told


@pytest.mark.parametrize(
    "path",
    ["files", "/files", "/v1", "/v1/", "/v1/files/", "/v1/../x", "/v1/fi*", "/v1/*/content", "/v1/a?b", "/v1//a"],
)
def test_a_path_that_is_none_is_told_with_its_place(mistakes, path):
    (told,) = mistakes(f'[passthrough]\nprovider = "alpha"\npaths = ["/v1/files", "{path}"]')
    assert f'entry 2 ("{path}") must be a path' in told


def test_there_are_not_too_many_paths(mistakes):
    paths = ", ".join(f'"/v1/p{number}"' for number in range(65))
    (told,) = mistakes(f'[passthrough]\nprovider = "alpha"\npaths = [{paths}]')
    assert "at most 64" in told


@pytest.mark.parametrize(("primary", "provider"), [("openai", "openai"), ("anthropic", ""), ("mistral", "mistral")])
def test_without_a_file_the_primary_gets_what_passes_if_it_speaks_the_dialect(primary, provider):
    keys = {f"{name}_API_KEY": "k" for name in ("OPENAI", "ANTHROPIC", "MISTRAL")}
    config = load(None, keys | {"AI_PROVIDER": primary}).config
    assert config.passthrough == PassthroughSettings(provider)


def test_a_fee_is_exact_and_none_by_default(load_text):
    assert load_text("").config.spending.passthrough_fee is None
    found = load_text('[passthrough]\nprovider = "alpha"\nfee_usd = 0.000000001').config.spending
    assert found.passthrough_fee == 1


def test_a_fee_that_is_none_is_told(mistakes):
    [told] = mistakes('[passthrough]\nprovider = "alpha"\nfee_usd = -1')
    assert told.startswith(
        "config.toml: passthrough.fee_usd: must be a decimal number from 0 to 9000000, such as 2.5 or"
    )
