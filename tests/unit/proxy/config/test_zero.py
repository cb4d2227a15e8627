"""Without a file, the usual variables decide: which providers, which chain, which models."""

import pytest

from proxy.config.errors import ConfigErrors, NoKeys
from proxy.config.load import Loaded, load
from proxy.config.profiles import vendors
from proxy.config.zero import ENDPOINTS, no_failover, unaided, variables
from translators.ir import Dialect

OPENAI = {"OPENAI_API_KEY": "sk-openai"}
ANTHROPIC = {"ANTHROPIC_API_KEY": "sk-anthropic"}
DEEPSEEK = {"DEEPSEEK_API_KEY": "sk-deepseek"}
MISTRAL = {"MISTRAL_API_KEY": "sk-mistral"}
AZURE = {"AZURE_OPENAI_API_KEY": "sk-azure", "AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/"}


def chain(loaded: Loaded) -> list[str]:
    return [f"{step.provider}/{step.model}" for step in loaded.config.models["*"].chain]


def told(env: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(None, env)
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("env", "steps"),
    [
        (OPENAI, ["openai/*"]),
        (OPENAI | ANTHROPIC, ["openai/*", "anthropic/*"]),
        (OPENAI | ANTHROPIC | {"AI_PROVIDER": "", "AI_FALLBACK_ENABLED": ""}, ["openai/*", "anthropic/*"]),
        (OPENAI | ANTHROPIC | {"AI_PROVIDER": "anthropic", "AI_FALLBACK_PROVIDER": "openai"},
         ["anthropic/*", "openai/*"]),
        (OPENAI | ANTHROPIC | {"AI_PROVIDER": "anthropic"}, ["anthropic/*"]),
        (OPENAI | ANTHROPIC | {"AI_FALLBACK_PROVIDER": ""}, ["openai/*"]),
        (OPENAI | ANTHROPIC | {"AI_FALLBACK_PROVIDER": " , "}, ["openai/*"]),
        (OPENAI | ANTHROPIC | {"AI_FALLBACK_ENABLED": "false"}, ["openai/*"]),
        (OPENAI | ANTHROPIC | {"AI_FALLBACK_ENABLED": "0"}, ["openai/*"]),
        (OPENAI | ANTHROPIC | {"AI_FALLBACK_ENABLED": "TRUE"}, ["openai/*", "anthropic/*"]),
        (OPENAI | ANTHROPIC | DEEPSEEK | {"AI_FALLBACK_PROVIDER": "deepseek, anthropic"},
         ["openai/*", "deepseek/*", "anthropic/*"]),
        (OPENAI | DEEPSEEK | {"AI_FALLBACK_PROVIDER": "anthropic,deepseek,openai"}, ["openai/*", "deepseek/*"]),
        (OPENAI | DEEPSEEK | MISTRAL, ["openai/*"]),
        (DEEPSEEK | {"AI_PROVIDER": "deepseek"}, ["deepseek/*"]),
        (OPENAI | {"ANTHROPIC_API_KEY": "  "}, ["openai/*"]),
    ],
)  # fmt: skip
def test_the_chain_is_the_chosen_vendors_that_have_a_key(env, steps):
    """In the order chosen, each once; nobody else."""
    assert chain(load(None, env)) == steps


def test_other_vendors_with_a_key_serve_only_when_asked_for_by_name():
    """They are providers, so `vendor/model` reaches them, but nobody chose them as a fallback."""
    config = load(None, OPENAI | DEEPSEEK | MISTRAL).config
    assert set(config.providers) == {"openai", "deepseek", "mistral"}
    assert set(config.models) == {"*"}


def test_providers_are_what_the_profiles_say():
    provider = load(None, ANTHROPIC | {"AI_PROVIDER": "anthropic"}).config.providers["anthropic"]
    assert (provider.dialect, provider.vendor) == (Dialect.ANTHROPIC_MESSAGES, "anthropic")
    assert provider.base_url == vendors()["anthropic"].base_url
    assert [(key.source, key.secret.reveal()) for key in provider.keys] == [("env:ANTHROPIC_API_KEY", "sk-anthropic")]
    assert provider.default_model == vendors()["anthropic"].default_model


def test_a_vendors_model_for_foreign_names_can_be_chosen():
    env = OPENAI | ANTHROPIC | AZURE | {"OPENAI_MODEL": "gpt-x", "AZURE_OPENAI_MODEL": "prod"}
    providers = load(None, env).config.providers
    assert providers["openai"].default_model == "gpt-x"
    assert providers["azure-openai"].default_model == "prod"
    assert providers["anthropic"].default_model == vendors()["anthropic"].default_model


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "HTTPS_PROXY"])
def test_no_address_is_taken_from_the_clients_own_variables(name):
    """OPENAI_BASE_URL is how the client finds us; read as an upstream it would be a loop, or a leak of keys."""
    env = OPENAI | ANTHROPIC
    with_it = load(None, env | {name: "http://127.0.0.1:4600/v1"})
    assert with_it == load(None, env)


def test_the_primarys_key_missing_means_a_warning_and_the_other_one():
    loaded = load(None, ANTHROPIC | {"AI_PROVIDER": "openai"})
    assert chain(loaded) == ["anthropic/*"]
    assert loaded.warnings == (
        "environment variable AI_PROVIDER: openai has no key (OPENAI_API_KEY is not set), so anthropic serves first",
    )


def test_the_warning_says_so_where_the_primary_was_never_named():
    (told,) = load(None, ANTHROPIC).warnings
    assert told == (
        "environment variable AI_PROVIDER: is not set and means openai, which has no key (OPENAI_API_KEY is not set), "
        "so anthropic serves first"
    )


def test_any_vendor_with_a_key_is_better_than_none():
    """When no chosen vendor can serve, the one that can does, and the warning names it."""
    loaded = load(None, MISTRAL)
    assert chain(loaded) == ["mistral/*"]
    [warning] = loaded.warnings
    assert warning.endswith("so mistral serves first")


def test_a_fallback_chosen_by_name_but_without_a_key_is_warned_of():
    loaded = load(None, OPENAI | {"AI_FALLBACK_PROVIDER": "deepseek,mistral"} | MISTRAL)
    assert chain(loaded) == ["openai/*", "mistral/*"]
    assert loaded.warnings == (
        (
            "environment variable AI_FALLBACK_PROVIDER: deepseek has no key (DEEPSEEK_API_KEY is not set), "
            "so it is left out"
        ),
    )


def test_the_usual_fallback_without_a_key_is_no_news():
    assert load(None, OPENAI).warnings == ()


def test_unknown_names_are_refused_with_those_known():
    [one] = told(OPENAI | {"AI_PROVIDER": "opena"})
    assert one.startswith('environment variable AI_PROVIDER: "opena" is not known; known: ')
    assert all(name in one for name in unaided())
    assert one.endswith('; did you mean "openai"?')
    [two] = told(OPENAI | {"AI_FALLBACK_PROVIDER": "anthropic,claude"})
    assert two.startswith('environment variable AI_FALLBACK_PROVIDER: "claude" is not known')


def test_a_list_of_primaries_is_told_where_it_belongs():
    [one] = told(OPENAI | {"AI_PROVIDER": "openai,anthropic"})
    assert one.endswith("; several go into AI_FALLBACK_PROVIDER")


def test_a_vendor_without_an_address_of_its_own_needs_a_file():
    [one] = told(OPENAI | {"AI_PROVIDER": "anthropic-vertex"})
    assert one == (
        "environment variable AI_PROVIDER: anthropic-vertex needs a configuration file, which says where it is"
    )


def test_a_switch_is_true_or_false():
    assert told(OPENAI | {"AI_FALLBACK_ENABLED": "maybe"}) == [
        'environment variable AI_FALLBACK_ENABLED: must be true or false, not "maybe"'
    ]


def test_several_mistakes_are_told_together():
    found = told(
        {"AI_PROVIDER": "x", "AI_FALLBACK_PROVIDER": "openai", "AI_FALLBACK_ENABLED": "y", "OPENAI_API_KEY": "a b"}
    )
    assert [one.split(":")[0].split(" ")[-1] for one in found] == [
        "AI_FALLBACK_ENABLED",
        "AI_PROVIDER",
        "OPENAI_API_KEY",
    ]
    assert "a b" not in "".join(found)


def test_azure_needs_its_endpoint():
    assert load(None, AZURE | {"AI_PROVIDER": "azure-openai"}).config.providers["azure-openai"].base_url == (
        "https://res.openai.azure.com/openai/v1"
    )
    without = {"AZURE_OPENAI_API_KEY": "k"}
    [one] = told(OPENAI | without | {"AI_PROVIDER": "azure-openai"})
    assert one.startswith("environment variable AZURE_OPENAI_ENDPOINT: is not set, but azure-openai has a key")
    unchosen = load(None, OPENAI | without)
    assert set(unchosen.config.providers) == {"openai"}
    assert unchosen.warnings[0].startswith("environment variable AZURE_OPENAI_ENDPOINT: is not set")


@pytest.mark.parametrize(
    "odd", [{"GROQ_API_KEY": "two words"}, AZURE | {"AZURE_OPENAI_ENDPOINT": "http://res.openai.azure.com"}]
)
def test_what_is_wrong_with_a_vendor_nobody_chose_is_only_a_warning(odd):
    """Its variables may be there for another program."""
    loaded = load(None, OPENAI | odd)
    assert set(loaded.config.providers) == {"openai"}
    assert len(loaded.warnings) == 1
    assert "two words" not in loaded.warnings[0]


def test_azures_whole_address_may_be_given_but_only_a_safe_one():
    whole = AZURE | {"AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/openai/v1/", "AI_PROVIDER": "azure-openai"}
    assert load(None, whole).config.providers["azure-openai"].base_url == "https://res.openai.azure.com/openai/v1"
    [one] = told(AZURE | {"AZURE_OPENAI_ENDPOINT": "http://res.openai.azure.com", "AI_PROVIDER": "azure-openai"})
    assert one.startswith("environment variable AZURE_OPENAI_ENDPOINT: must be https")


def test_a_vendor_without_any_default_model_is_asked_by_the_clients_names():
    loaded = load(None, AZURE | {"AI_PROVIDER": "azure-openai"})
    assert loaded.warnings == (
        (
            "environment variable AZURE_OPENAI_MODEL: is not set, so azure-openai is asked for every model by the "
            "client's name"
        ),
    )


def test_no_key_at_all_is_one_clear_line():
    for env in ({}, {"OPENAI_API_KEY": ""}, {"AI_PROVIDER": "anthropic"}):
        with pytest.raises(NoKeys) as caught:
            load(None, env)
        [error] = caught.value.errors
        assert str(error).startswith("no provider has a key: set OPENAI_API_KEY or ANTHROPIC_API_KEY")


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"AZURE_OPENAI_API_KEY": "k"}, "AZURE_OPENAI_ENDPOINT: is not set, but azure-openai has a key"),
        ({"GROQ_API_KEY": "two words"}, "GROQ_API_KEY: has spaces, line breaks or characters that no key has"),
    ],
)
def test_a_key_that_cannot_be_used_is_no_mere_lack_of_keys(env, why):
    """It is told, and nobody who set one is given a demo."""
    with pytest.raises(ConfigErrors) as caught:
        load(None, env)
    assert not isinstance(caught.value, NoKeys)
    first, second = map(str, caught.value.errors)
    assert first.startswith(f"environment variable {why}")
    assert second.startswith("no provider has a key that can be used: set OPENAI_API_KEY")


def test_a_vendors_name_has_no_case():
    env = OPENAI | ANTHROPIC | {"AI_PROVIDER": "Anthropic", "AI_FALLBACK_PROVIDER": "OpenAI"}
    assert chain(load(None, env)) == ["anthropic/*", "openai/*"]


def test_a_server_that_takes_no_key_serves_when_chosen():
    keyless = [name for name, vendor in vendors().items() if not vendor.key_env and vendor.base_url]
    for name in keyless:
        assert chain(load(None, {"AI_PROVIDER": name})) == [f"{name}/*"]
        assert name not in load(None, OPENAI).config.providers


def test_every_variable_that_is_read_is_declared():
    """A recording environment sees what a load asks for."""

    asked = set()

    class Recording(dict[str, str]):
        def get(self, key, default=None):
            asked.add(key)
            return super().get(key, default)

        def __contains__(self, key):
            asked.add(key)
            return super().__contains__(key)

    keys = {variable: "k" for vendor in vendors().values() for variable in vendor.key_env}
    addresses = {endpoint.variable: endpoint.example for endpoint in ENDPOINTS.values()}
    chosen = ",".join(unaided())
    load(None, Recording(keys | addresses | {"AI_FALLBACK_PROVIDER": chosen}))
    load(None, Recording(OPENAI))
    load(
        None, Recording(OPENAI | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://[::1]", "OTEL_TRACES_SAMPLER": "traceidratio"})
    )
    load(None, Recording(OPENAI | {"SIDESTEP_LEDGER_URL": "sqlite://", "SIDESTEP_STATE_DIR": "/var/lib/sidestep"}))
    assert asked == set(variables())


@pytest.mark.parametrize(
    ("env", "advice"),
    [
        (OPENAI, "openai serves alone: set AI_FALLBACK_PROVIDER=anthropic and ANTHROPIC_API_KEY"),
        (ANTHROPIC, "anthropic serves alone: set AI_FALLBACK_PROVIDER=openai and OPENAI_API_KEY"),
        (OPENAI | DEEPSEEK, "openai serves alone: set AI_FALLBACK_PROVIDER=deepseek,"),
    ],
)
def test_a_provider_left_alone_is_told_with_what_would_help(env, advice):
    line = no_failover(load(None, env).config, env)
    assert line.startswith("there is no failover, " + advice)
    assert line.endswith(", or AI_FALLBACK_ENABLED=false")


@pytest.mark.parametrize(
    "env",
    [OPENAI | ANTHROPIC, OPENAI | {"AI_FALLBACK_ENABLED": "no"}, OPENAI | {"AI_FALLBACK_PROVIDER": " , "}],
)
def test_who_chose_to_have_no_failover_or_has_one_is_told_nothing(env):
    assert no_failover(load(None, env).config, env) == ""


def test_a_file_says_itself_who_serves(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('[providers.openai]\nvendor = "openai"\n[models.m]\nchain = ["openai/m"]\n')
    assert no_failover(load(str(file), OPENAI).config, OPENAI) == ""


@pytest.mark.parametrize("name", ["\udcff", "a\x1bb", "m" * 257])
def test_a_model_that_no_request_could_name_is_a_mistake(name):
    """As a variable that is not UTF-8 reads; only a warning where nobody chose the vendor."""
    wrong = "MISTRAL_MODEL: is no model's name, which has at most 256 printable characters"
    with pytest.raises(ConfigErrors, match=wrong):
        load(None, MISTRAL | {"MISTRAL_MODEL": name, "AI_PROVIDER": "mistral"})
    assert [one for one in load(None, OPENAI | MISTRAL | {"MISTRAL_MODEL": name}).warnings if wrong in one]
