"""`profiles.toml`: every row is a profile, and the rows of Claude models say what each generation takes."""

import re
import tomllib
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

import translators
from translators.ir import Dialect
from translators.profile import OPERATIONS, Profile

VENDORS = tomllib.loads(Path(translators.__file__).with_name("profiles.toml").read_text())["vendors"]
KEYS = {"like", "dialect", "base_url", "key_env", "default_model", "model_prefixes", "profile", "models"}
BOUND = {"vendor", "provider", "model", "account", "custom_tools"}
"""Profile fields that are known from elsewhere."""
LOCAL = ("ollama", "vllm", "llamacpp", "lmstudio")
YOURS = ("azure-openai", "azure-foundry", "anthropic-foundry", "anthropic-vertex", "gemini-vertex")
"""Vendors whose every customer has an address of their own."""
ROWS = [
    pytest.param(name, row, id=f"{name}:{row.get('match', 'all')}:{index}")
    for name, vendor in VENDORS.items()
    for index, row in enumerate([vendor.get("profile", {}), *vendor.get("models", [])])
]
ALL = ("low", "medium", "high", "xhigh", "max")


def profile(vendor, model):
    """As the proxy merges them: the vendor's fields, then every row that matches, in order; before each those of the
    vendor it is like."""
    line = [VENDORS[name] for name in (VENDORS[vendor].get("like"), vendor) if name]
    fields = {key: value for one in line for key, value in one.get("profile", {}).items()}
    for row in [row for one in line for row in one.get("models", [])]:
        if fnmatchcase(model, row["match"]):
            fields |= row
    fields.pop("match", None)
    return msgspec.convert(fields, Profile)


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_every_row_makes_a_profile_and_has_no_field_that_a_profile_has_not(name, row):
    fields = {key: value for key, value in row.items() if key != "match"}
    assert fields.keys() <= set(Profile.__struct_fields__) - BOUND
    assert isinstance(msgspec.convert(fields, Profile), Profile)


@pytest.mark.parametrize("name", VENDORS)
def test_every_vendor_says_what_it_must_and_nothing_else(name):
    vendor = VENDORS[name]
    assert vendor.keys() <= KEYS
    assert vendor.keys() >= KEYS - {"like", "profile", "models"}
    assert vendor["dialect"] in set(Dialect)
    assert all("match" in row for row in vendor.get("models", []))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", variable) for variable in vendor["key_env"])


def test_the_vendors_are_all_there():
    assert next(iter(VENDORS)) == "openai"
    cloud = {
        "azure-openai",
        "azure-foundry",
        "anthropic",
        "anthropic-foundry",
        "anthropic-vertex",
        "gemini",
        "gemini-vertex",
        "deepseek",
        "xai",
        "mistral",
        "groq",
        "openrouter",
        "together",
        "cohere",
    }
    assert set(VENDORS) == {"openai", *cloud, *LOCAL}


@pytest.mark.parametrize("name", VENDORS)
def test_keys_travel_over_tls_and_local_servers_are_local_and_take_none(name):
    vendor = VENDORS[name]
    address = urlsplit(vendor["base_url"])
    if name in LOCAL:
        assert (address.scheme, address.hostname, vendor["key_env"]) == ("http", "127.0.0.1", [])
    elif name in YOURS:
        assert vendor["base_url"] == ""
    else:
        assert (address.scheme, bool(vendor["key_env"])) == ("https", True)
        assert vendor["default_model"]


def test_no_prefix_belongs_to_two_vendors():
    prefixes = [prefix for vendor in VENDORS.values() for prefix in vendor["model_prefixes"]]
    assert len(prefixes) == len(set(prefixes))


@pytest.mark.parametrize(
    ("model", "window", "output", "sampling", "thinking", "efforts", "forced", "prefill", "system"),
    [
        ("claude-sonnet-4-5-20250929", 200_000, 64_000, "one_of", "budget", (), True, True, False),
        ("claude-opus-4-5", 200_000, 64_000, "one_of", "budget", ALL[:3], True, True, False),
        ("claude-haiku-4-5", 200_000, 64_000, "one_of", "budget", (), True, True, False),
        (
            "claude-opus-4-6",
            1_000_000,
            128_000,
            "one_of",
            "adaptive",
            ("low", "medium", "high", "max"),
            True,
            False,
            False,
        ),
        (
            "claude-sonnet-4-6",
            1_000_000,
            128_000,
            "one_of",
            "adaptive",
            ("low", "medium", "high", "max"),
            True,
            False,
            False,
        ),
        ("claude-opus-4-7", 1_000_000, 128_000, "none", "adaptive", ALL, True, False, False),
        ("claude-opus-4-8", 1_000_000, 128_000, "none", "adaptive", ALL, True, False, True),
        ("claude-sonnet-5", 1_000_000, 128_000, "none", "default", ALL, True, False, False),
        ("claude-opus-5", 1_000_000, 128_000, "none", "default", ALL, True, False, True),
        ("claude-fable-5", 1_000_000, 128_000, "none", "always", ALL, True, False, True),
        ("claude-mythos-5", 1_000_000, 128_000, "none", "always", ALL, True, False, True),
        ("claude-fable-5-1", 1_000_000, 128_000, "none", "always", ALL, False, False, True),
        ("claude-mythos-5-2", 1_000_000, 128_000, "none", "always", ALL, False, False, True),
        ("claude-opus-5-5", 1_000_000, 128_000, "none", "always", ALL, False, False, True),
        ("claude-sonnet-5-5", 1_000_000, 128_000, "none", "between_tools", ALL, False, False, True),
        ("claude-haiku-5-5", 1_000_000, 128_000, "none", "default", ALL, True, False, False),
    ],
)
def test_a_claude_models_row(model, window, output, sampling, thinking, efforts, forced, prefill, system):
    got = profile("anthropic", model)
    assert (got.context_window, got.max_output) == (window, output)
    assert (got.sampling, got.temperature_max) == (sampling, 1.0)
    assert (got.thinking, got.efforts) == (thinking, efforts)
    assert (got.forced_tool_choice, got.prefill, got.system_anywhere) == (forced, prefill, system)
    assert got.reasons is (thinking in ("default", "always", "between_tools"))
    assert model.startswith(got.lineage)


@pytest.mark.parametrize(
    ("model", "efforts"),
    [
        ("claude-opus-5", ("low", "medium", "high")),
        ("claude-sonnet-5-5", ("low", "medium", "high")),
        ("claude-sonnet-5", ()),
    ],
)
def test_where_thinking_can_be_turned_off_only_at_lower_efforts(model, efforts):
    assert profile("anthropic", model).disable_efforts == efforts


def test_every_claude_model_the_sdk_knows_has_a_row_and_a_lineage_of_its_own():
    """A new name in the vendor's SDK fails here until someone has looked it up."""
    known = Path(find_spec("anthropic").origin).parent / "types" / "model.py"
    models = re.findall(r'"(claude-[a-z]+-\d[^"]*)"', known.read_text())
    lineages = {model: profile("anthropic", model).lineage for model in models}
    assert models
    assert [model for model, lineage in lineages.items() if not lineage] == []
    undated = {re.sub(r"-20\d{6}$", "", model) for model in models}
    assert set(lineages.values()) == undated


def test_a_claude_model_without_a_row_gets_what_every_recent_one_takes():
    got = profile("anthropic", "claude-novel-9")
    assert (got.lineage, got.thinking, got.sampling) == ("", "adaptive", "none")
    assert (got.forced_tool_choice, got.prefill, got.system_anywhere) == (False, False, False)


@pytest.mark.parametrize(
    ("vendor", "model", "fields"),
    [
        (
            "openai",
            "gpt-5-mini-2025-08-07",
            {"reasons": True, "sampling": "none", "stop_max": 0, "max_output": 128_000},
        ),
        ("openai", "gpt-4o-2024-05-13", {"max_output": 4096, "reasons": False, "thinking": "none"}),
        ("openai", "gpt-4o-mini", {"max_output": 16_384, "max_tokens_field": "max_completion_tokens"}),
        ("openai", "o3-mini", {"reasons": True, "stop_max": 4}),
        ("openai", "o4-mini", {"reasons": True, "stop_max": 0}),
        ("openai", "gpt-4o", {"responses": "available"}),
        ("openai", "gpt-4o-audio-preview", {"responses": "none"}),
        ("openai", "gpt-5.2", {"responses": "available"}),
        ("openai", "gpt-5.4-mini", {"responses": "tools"}),
        ("openai", "gpt-6-astra", {"responses": "tools"}),
        ("openai", "gpt-5.2-pro", {"responses": "only"}),
        ("openai", "gpt-5.1-codex-max", {"responses": "only"}),
        ("azure-openai", "gpt-6.2-sol", {"responses": "tools"}),
        ("azure-openai", "our-own-name", {"responses": "available"}),
        ("azure-openai", "gpt-4o-production", {"responses": "available"}),
        ("xai", "grok-4.5", {"responses": "available"}),
        ("deepseek", "deepseek-v4-pro", {"responses": "none"}),
        ("openai", "gpt-5.6-sol", {"reasons": True, "efforts": ("none", "low", "medium", "high", "xhigh")}),
        ("openai", "gpt-6.2-sol", {"reasons": True, "efforts": ("low", "medium", "high", "xhigh")}),
        ("deepseek", "deepseek-v4-pro", {"reasoning_replay": True, "reasons": True, "max_tokens_field": "max_tokens"}),
        ("xai", "grok-4.5", {"output_excludes_reasoning": True, "efforts": ("low", "medium", "high")}),
        ("mistral", "mistral-large-latest", {"temperature_max": 1.5, "tool_ids": "alnum9", "stream_usage": False}),
        ("mistral", "codestral-latest", {"renames": {"seed": "random_seed"}, "max_tokens_field": "max_tokens"}),
        ("groq", "openai/gpt-oss-120b", {"n_max": 1, "logprobs": False, "json_schema": True}),
        ("together", "any", {"requires": {"context_length_exceeded_behavior": "error"}, "logprobs": False}),
        ("gemini-vertex", "gemini-2.5-flash", {"logprobs": True, "call_signatures": False}),
        ("openrouter", "any/model", {"requires": {"provider": {"require_parameters": True}}}),
        (
            "gemini",
            "gemini-2.5-pro-preview-05-06",
            {"thinking": "budget", "thinking_budget_min": 128, "thinking_budget_max": 32_768, "sampling": "all"},
        ),
        ("gemini", "gemini-2.5-flash-lite", {"thinking_budget_min": 512, "efforts": (), "tools_combine": False}),
        ("gemini", "gemini-2.0-flash", {"thinking": "none", "call_signatures": False, "n_max": 8}),
        ("gemini", "gemini-3-pro-preview", {"thinking": "level", "efforts": ("low", "high"), "call_signatures": True}),
        ("gemini", "gemini-3.1-flash-lite", {"efforts": ("minimal", "low", "medium", "high")}),
        (
            "gemini",
            "gemini-3.7-flash",
            {"efforts": ("low", "medium", "high"), "sampling": "none", "result_media": True},
        ),
        ("gemini", "gemini-4-argon", {"upstream_stream": True, "context_window": 1_048_576, "stop_max": 5}),
        ("gemini", "gemini-embedding-001", {"thinking": "none", "tools": False, "embeddings": True}),
        ("gemini-vertex", "gemini-3-pro", {"image_urls": True, "key_header": "authorization", "embeddings": True}),
        ("gemini-vertex", "gemini-embedding-2", {"paths": {"embeddings": "/models/{model}:embedContent"}}),
        (
            "gemini-vertex",
            "text-multilingual-embedding-002",
            {"paths": {"embeddings": "/models/{model}:predict"}, "tools": False},
        ),
        ("ollama", "llama3", {"forced_tool_choice": False, "system_anywhere": False}),
        ("azure-openai", "gpt-5-mini", {"reasons": True, "stop_max": 0, "key_header": "api-key", "files": False}),
        ("azure-openai", "our-own-name", {"reasons": False, "context_window": None, "rejects": frozenset()}),
        ("azure-foundry", "Ministral-3B", {"max_tokens_field": "max_tokens", "tool_ids": "alnum9"}),
        ("azure-foundry", "Llama-3.3-70B-Instruct", {"images": False, "context_window": 131_072}),
        ("azure-foundry", "Llama-3.2-11B-Vision-Instruct", {"images": True}),
        ("azure-foundry", "DeepSeek-R1", {"images": False, "reasons": True}),
        ("azure-foundry", "Phi-4", {"tools": False, "context_window": 16_384}),
        ("azure-foundry", "Phi-4-multimodal-instruct", {"tools": True, "images": True, "audio": True}),
        ("anthropic-foundry", "claude-opus-5-5", {"thinking": "always", "key_header": ""}),
        ("anthropic-vertex", "claude-sonnet-4-5@20250929", {"thinking": "budget", "rejects": frozenset({"model"})}),
        ("groq", "groq/compound-mini", {"tools": False}),
        ("xai", "grok-3-mini", {"efforts": ("low", "high"), "images": False}),
        ("cohere", "command-a-vision-07-2025", {"images": True, "tools": False}),
    ],
)
def test_a_vendors_quirks(vendor, model, fields):
    got = profile(vendor, model)
    assert {name: getattr(got, name) for name in fields} == fields


def test_a_vendor_like_another_stands_after_it_and_speaks_its_dialect():
    names = list(VENDORS)
    for name, vendor in VENDORS.items():
        if like := vendor.get("like"):
            assert names.index(like) < names.index(name)
            assert VENDORS[like]["dialect"] == vendor["dialect"]


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_a_path_of_a_row_is_one_that_a_configuration_could_give(name, row):
    for operation, path in row.get("paths", {}).items():
        assert operation in OPERATIONS
        assert re.fullmatch(r"/[!-~]*", path) and "{" not in path.replace("{model}", "")


def test_a_profile_names_the_origin_of_its_blobs_by_lineage_else_by_model():
    bound = {"provider": "p", "model": "claude-x-1", "account": "a"}
    assert Profile(lineage="claude-x", **bound).origin("d") == "d|p|claude-x|a"
    assert Profile(**bound).origin("d") == "d|p|claude-x-1|a"


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro-preview", "gemini-9-novel"])
def test_labels_are_for_vertex_ai_alone(model):
    assert "labels" in profile("gemini", model).rejects
    assert "labels" not in profile("gemini-vertex", model).rejects


@pytest.mark.parametrize(
    ("vendor", "model", "known"),
    [("openai", "gpt-4o", True), ("azure-openai", "mine", True), ("deepseek", "deepseek-v4-pro", False)],
)
def test_vendors_of_their_own_models_know_no_developer(vendor, model, known):
    assert profile(vendor, model).developer is known


@pytest.mark.parametrize(
    ("vendor", "model", "takes"),
    [
        ("openai", "gpt-5.5", "none"),
        ("openai", "gpt-5.6-sol", "parts"),
        ("azure-openai", "gpt-6-sol", "parts"),
        ("openrouter", "any/model", "texts"),
        ("mistral", "mistral-large", "none"),
    ],
)
def test_cache_breakpoints_go_to_those_who_take_them(vendor, model, takes):
    assert profile(vendor, model).cache_breakpoints == takes


@pytest.mark.parametrize(("vendor", "model"), [("mistral", "m"), ("groq", "m"), ("azure-foundry", "Ministral-3B")])
def test_vendors_that_refuse_unknown_fields_of_messages_are_sent_none(vendor, model):
    """What a client of OpenAI's or DeepSeek's sends back of an answer is not all theirs."""
    fields = profile(vendor, model).message_fields
    assert {"role", "content", "tool_calls", "tool_call_id"} <= fields
    assert not fields & {"reasoning_content", "refusal", "annotations", "name", "audio"}


@pytest.mark.parametrize(
    "vendor", ["mistral", "groq", "deepseek", "xai", "together", "cohere", "ollama", "vllm", "llamacpp", "lmstudio"]
)
def test_only_openai_is_offered_tools_of_free_text_and_choices_of_several(vendor):
    one = profile(vendor, "m")
    assert not one.free_text_tools
    assert one.tool_choices == ("words" if vendor == "lmstudio" else "named")
    assert {"modalities", "audio", "moderation"} <= one.rejects
    assert profile("openai", "gpt-5.4").free_text_tools


@pytest.mark.parametrize(
    ("vendor", "closed"), [("openai", True), ("azure-openai", True), ("groq", True), ("vllm", False)]
)
def test_who_enforces_closed_schemas_alone_is_known(vendor, closed):
    assert profile(vendor, "m").strict_subset is closed
