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
from translators.profile import Profile

VENDORS = tomllib.loads(Path(translators.__file__).with_name("profiles.toml").read_text())["vendors"]
KEYS = {"dialect", "base_url", "key_env", "default_model", "model_prefixes", "profile", "models"}
BOUND = {"vendor", "provider", "model", "account", "custom_tools"}
"""Profile fields that are known from elsewhere."""
LOCAL = ("ollama", "vllm", "llamacpp", "lmstudio")
ROWS = [
    pytest.param(name, row, id=f"{name}:{row.get('match', 'all')}:{index}")
    for name, vendor in VENDORS.items()
    for index, row in enumerate([vendor.get("profile", {}), *vendor.get("models", [])])
]
ALL = ("low", "medium", "high", "xhigh", "max")


def profile(vendor, model):
    """As the proxy merges them: the vendor's fields, then every row that matches, in order."""
    fields = dict(VENDORS[vendor].get("profile", {}))
    for row in VENDORS[vendor].get("models", []):
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
    assert vendor.keys() >= KEYS - {"profile", "models"}
    assert vendor["dialect"] in set(Dialect)
    assert all("match" in row for row in vendor.get("models", []))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", variable) for variable in vendor["key_env"])


def test_the_vendors_are_all_there():
    assert next(iter(VENDORS)) == "openai"
    cloud = {
        "azure-openai",
        "anthropic",
        "gemini",
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
    elif name == "azure-openai":
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
        ("claude-opus-4-5", 200_000, 64_000, "one_of", "budget", (), True, True, False),
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
        ("openai", "gpt-5.6-sol", {"reasons": True, "efforts": ("none", "low", "medium", "high", "xhigh")}),
        ("openai", "gpt-6.2-sol", {"reasons": True, "efforts": ("low", "medium", "high", "xhigh")}),
        ("deepseek", "deepseek-v4-pro", {"reasoning_replay": True, "reasons": True, "max_tokens_field": "max_tokens"}),
        ("xai", "grok-4.5", {"output_excludes_reasoning": True, "efforts": ("low", "medium", "high")}),
        ("mistral", "mistral-large-latest", {"temperature_max": 1.5, "tool_ids": "alnum9", "stream_usage": False}),
        ("mistral", "codestral-latest", {"renames": {"seed": "random_seed"}, "max_tokens_field": "max_tokens"}),
        ("groq", "openai/gpt-oss-120b", {"n_max": 1, "logprobs": False, "json_schema": True}),
        ("together", "any", {"requires": {"context_length_exceeded_behavior": "error"}, "logprobs": False}),
        ("openrouter", "any/model", {"requires": {"provider": {"require_parameters": True}}}),
        ("ollama", "llama3", {"forced_tool_choice": False, "system_anywhere": False}),
    ],
)
def test_a_vendors_quirks(vendor, model, fields):
    got = profile(vendor, model)
    assert {name: getattr(got, name) for name in fields} == fields


def test_a_profile_names_the_origin_of_its_blobs_by_lineage_else_by_model():
    bound = {"provider": "p", "model": "claude-x-1", "account": "a"}
    assert Profile(lineage="claude-x", **bound).origin("d") == "d|p|claude-x|a"
    assert Profile(**bound).origin("d") == "d|p|claude-x-1|a"
