"""Providers: a vendor or an address of one's own, keys by source, headers within bounds, profiles with known fields."""

import pytest

from translators.ir import Dialect

GAMMA = '[providers.gamma]\ndialect = "openai-chat"\nbase_url = "https://gamma.example/v1"\n'


def test_a_vendor_needs_no_address_dialect_or_keys(load_text):
    """Its key comes from its usual variable, its default model from the profiles."""
    provider = load_text('[providers.main]\nvendor = "openai"').config.providers["main"]
    assert (provider.vendor, provider.dialect) == ("openai", Dialect.OPENAI_CHAT)
    assert provider.base_url == "https://api.openai.com/v1"
    assert [(key.source, key.secret.reveal()) for key in provider.keys] == [("env:OPENAI_API_KEY", "openai-key")]
    assert provider.default_model


def test_what_a_vendor_says_can_be_overridden(load_text):
    text = """
[providers.eu]
vendor = "openai"
base_url = "https://eu.api.example/v1/"
keys = ["env:ALPHA_KEY", "env:BETA_KEY"]
default_model = "gpt-x"
"""
    provider = load_text(text).config.providers["eu"]
    assert provider.base_url == "https://eu.api.example/v1"
    assert [key.source for key in provider.keys] == ["env:ALPHA_KEY", "env:BETA_KEY"]
    assert provider.default_model == "gpt-x"


def test_a_local_server_needs_no_key(load_text):
    text = '[providers.local]\ndialect = "openai-chat"\nbase_url = "http://127.0.0.1:8000/v1"\nkeys = []'
    assert load_text(text).config.providers["local"].keys == ()


def test_a_listed_cluster_host_may_be_reached_without_tls(load_text):
    text = """
[server]
cluster_hosts = ["vllm.ml.svc"]
[providers.vllm]
dialect = "openai-chat"
base_url = "http://vllm.ml.svc:8000/v1"
"""
    config = load_text(text).config
    assert config.providers["vllm"].base_url == "http://vllm.ml.svc:8000/v1"
    assert config.server.cluster_hosts == ("vllm.ml.svc",)


def test_headers_proxy_and_bundle_are_kept(load_text, tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    text = GAMMA + (
        f'proxy = "http://egress.example:3128"\nca_file = "{bundle}"\nheaders = {{OpenAI-Organization = "org-1"}}'
    )
    provider = load_text(text).config.providers["gamma"]
    assert provider.headers == {"openai-organization": "org-1"}
    assert (provider.proxy, provider.ca_file) == ("http://egress.example:3128", str(bundle))


def test_the_callers_own_key_may_go_upstream(load_text):
    provider = load_text(GAMMA + 'keys = ["client"]').config.providers["gamma"]
    assert provider.client_key
    assert provider.keys == ()


def test_profile_fields_arrive_in_their_own_types(load_text):
    text = (
        GAMMA
        + """
profile = {rejects = ["seed"], max_output = 8192, temperature_max = 1, renames = {seed = "random_seed"}}
[providers.gamma.models."big/one"]
efforts = ["low", "high"]
"""
    )
    provider = load_text(text).config.providers["gamma"]
    assert provider.profile == {
        "rejects": frozenset({"seed"}),
        "max_output": 8192,
        "temperature_max": 1.0,
        "renames": {"seed": "random_seed"},
    }
    assert provider.models == {"big/one": {"efforts": ("low", "high")}}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('base_url = "http://gamma.example"', "base_url: must be https: gamma.example is neither"),
        ('base_url = "https://u:secret@gamma.example"', "base_url: must not contain a user or password"),
        ('base_url = "https://gamma.example?api-version=1"', "base_url: must not have a query"),
        ('base_url = "http://127.0.0.1:4600/v1"', "base_url: points at this proxy itself (127.0.0.1:4600)"),
        ("base_url = 3", "base_url: must be text, not a whole number"),
        ('base_url = ""', "base_url: must be text of one line, and not empty"),
        ('dialect = "openai-chats"', 'dialect: "openai-chats" is not known; known: '),
        ('vendor = "opena1"', 'vendor: "opena1" is not known; known: '),
        ('keys = "env:X"', "keys: must be a list, not text"),
        ('keys = ["env:NOT_SET"]', "keys: entry 1: environment variable NOT_SET is not set"),
        ('keys = ["env:ALPHA_KEY", "file:/none"]', "keys: entry 2: file /none cannot be read: no such file"),
        ('keys = ["env:ALPHA_KEY", "env:ALPHA_KEY"]', "keys: names the same source twice"),
        ('keys = ["client", "env:ALPHA_KEY"]', 'keys: "client" stands alone'),
        (
            'keys = ["sk-secret"]',
            'keys: entry 1: must be "env:NAME", "file:/path", "entra:", "entra-managed:", "google:" or "client"',
        ),
        ("keys = [3]", "keys: entry 1 must be text"),
        ('headers = {authorization = "x"}', "headers.authorization: is set by Sidestep itself"),
        ('headers = {Host = "x"}', "headers.Host: is set by Sidestep itself"),
        ('headers = {content-length = "1"}', "headers.content-length: is set by Sidestep itself"),
        ('headers = {"a b" = "x"}', 'headers."a b": is not a header name'),
        ('headers = {x-a = "secret\\r\\nx: y"}', "headers.x-a: must be printable ASCII text"),
        ("headers = {x-a = 1}", "headers.x-a: must be printable ASCII text"),
        ('headers = {x-a = "1", X-A = "2"}', "headers.x-a: is set twice"),
        ('headers = "x-a: 1"', "headers: must be a table, not text"),
        ('proxy = "socks5://egress:1"', "proxy: must start with https:// or http://"),
        ('proxy = "http://u:secret@egress:1"', "proxy: must not contain a user or password"),
        ('ca_file = "/none.pem"', "ca_file: file /none.pem cannot be read: no such file"),
        ('ca_file = "/dev/null"', "ca_file: file /dev/null holds no PEM certificate"),
        ('default_model = ""', "default_model: must be text of one line"),
        ("per_target = -1", "per_target: must be at least 0"),
        ("breaker = {open = 1}", 'breaker.open: is not a known key; did you mean "open_s"?'),
        ("timeouts = {connect_s = 0}", "timeouts.connect_s: must be more than 0"),
        ("profile = {max_outputs = 1}", 'profile.max_outputs: is not a field of a profile; did you mean "max_output"?'),
        ('profile = {provider = "x"}', "profile.provider: is not a field of a profile"),
        ('profile = {tools = "yes"}', "profile.tools: must be bool, got str"),
        ("profile = {max_output = -1}", "profile.max_output: must be at least 0"),
        ("profile = {temperature_max = nan}", "profile.temperature_max: must be at least 0"),
        ('profile = {sampling = "some"}', "profile.sampling: 'some' is not known; known: all, one_of and none"),
        ('profile = {efforts = ["low", "huge"]}', "profile.efforts: 'huge' is not known; known: none, minimal"),
        ("models = {m = {context_window = 1.5}}", "models.m.context_window: must be int"),
        ("models = {m = 3}", "models.m: must be a table, not a whole number"),
        ("keyz = []", 'keyz: is not a known key; did you mean "keys"?'),
    ],
)
def test_every_mistake_has_its_path_and_repeats_no_secret(mistakes, line, told):
    """One wrong line gives messages under that key alone."""
    kept = [good for good in GAMMA.splitlines() if good.split(" ")[0] != line.split(" ")[0]]
    found = mistakes("\n".join([*kept, line]))
    assert found[0].startswith(f"config.toml: providers.gamma.{told}"), found
    path = f"config.toml: providers.gamma.{line.split(' ')[0]}"
    assert all(one.startswith(path) for one in found), found
    assert "secret" not in "".join(found)


def test_neither_vendor_nor_dialect_is_a_mistake(mistakes):
    known = "openai-chat, openai-responses, anthropic-messages and gemini"
    assert mistakes("[providers.gamma]\n") == [
        f"config.toml: providers.gamma.dialect: say which: {known}; or name a vendor",
        "config.toml: providers.gamma.base_url: is missing: say where the provider is, as in https://api.example.com/v1",
    ]


def test_a_vendor_whose_address_differs_by_customer_needs_one(mistakes):
    text = '[providers.az]\nvendor = "azure-openai"\nkeys = ["env:ALPHA_KEY"]'
    assert mistakes(text) == [
        "config.toml: providers.az.base_url: is missing: say where the provider is, as in https://api.example.com/v1"
    ]


def test_a_vendor_without_its_usual_key_is_a_mistake(mistakes):
    assert mistakes('[providers.m]\nvendor = "mistral"') == [
        "config.toml: providers.m.keys: no key: set MISTRAL_API_KEY, or say where it is with keys = [...]"
    ]


@pytest.mark.parametrize("name", ["a/b", "", "ä", "a b", "-a", "x" * 65])
def test_provider_names_fit_chains_headers_and_labels(mistakes, name):
    text = f'[providers."{name}"]\ndialect = "openai-chat"\nbase_url = "https://x.example"\nkeys = []'
    [told] = mistakes(text)
    assert "a provider's name is at most 64 letters" in told


# -- tokens

APPLICATION = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "a", "AZURE_CLIENT_SECRET": "canary"}
ENTRA = {"ALPHA_KEY": "k", "BETA_KEY": "k"} | APPLICATION


def test_a_token_travels_as_bearer_unless_the_profile_says_otherwise(load_text):
    text = """
[providers.az]
vendor = "azure-openai"
base_url = "https://res.openai.azure.com/openai/v1"
keys = ["entra:"]
token_url = "https://login.microsoftonline.us/"
"""
    provider = load_text(text, env=ENTRA).config.providers["az"]
    assert (provider.keys[0].source, provider.keys[0].secret) == ("entra:", None)
    assert provider.profile == {"key_header": "authorization"}
    assert provider.token_url == "https://login.microsoftonline.us"
    own = load_text(text + 'profile = {key_header = "x-own"}', env=ENTRA).config.providers["az"]
    assert own.profile == {"key_header": "x-own"}


def test_tokens_and_keys_are_two_providers(mistakes):
    [one] = mistakes(GAMMA + 'keys = ["env:ALPHA_KEY", "entra:"]', env=ENTRA)
    assert one.endswith(
        "providers.gamma.keys: has tokens beside keys, which travel in different headers: make two providers of them"
    )


def test_what_a_token_lacks_is_told_with_its_place(mistakes):
    [one] = mistakes(GAMMA + 'keys = ["entra:"]')
    assert one.endswith("providers.gamma.keys: entry 1: environment variable AZURE_TENANT_ID is not set")


def test_tokens_are_fetched_over_tls_alone(mistakes):
    [one] = mistakes(GAMMA + 'token_url = "http://login.example"')
    assert "providers.gamma.token_url: must be https" in one


def test_nobody_is_a_provider_of_legacy_completions_alone(mistakes):
    (found,) = mistakes(GAMMA.replace("openai-chat", "openai-completions"))
    assert found.startswith('config.toml: providers.gamma.dialect: "openai-completions" is not known')
