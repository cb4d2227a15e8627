"""Vendors' facts, and how the configuration overrides them."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

import translators
from proxy.config import profiles
from proxy.config.addresses import check_url
from proxy.config.profiles import FIELDS, family, profile_for, vendor_of, vendors
from proxy.config.values import Provider
from translators.ir import Dialect
from translators.profile import Profile

FACTS = {
    "acme": profiles.Vendor(
        name="acme",
        dialect=Dialect.OPENAI_CHAT,
        base_url="https://acme.example/v1",
        key_env=("ACME_API_KEY",),
        default_model="acme-1",
        model_prefixes=("acme-", "ac"),
        like="",
    ),
    "apex": profiles.Vendor("apex", Dialect.OPENAI_CHAT, "https://apex.example", (), None, ("acme-x",), ""),
}
FAMILIES = {
    "acme": profiles.Family(
        profile={"max_output": 1000, "context_window": 5000, "rejects": ["seed"]},
        models=(
            {"match": "acme-2*", "max_output": 2000, "images": False},
            {"match": "acme-2-mini", "max_output": 500},
        ),
    ),
    "apex": profiles.Family({}, ()),
}
WHOLE = tomllib.loads(Path(translators.__file__).with_name("profiles.toml").read_text())["vendors"]


@pytest.fixture
def facts(monkeypatch):
    """Two vendors in place of the file's."""
    profiles._known.cache_clear()
    vendor_of.cache_clear()
    monkeypatch.setattr(profiles, "vendors", lambda: FACTS)
    monkeypatch.setattr(profiles, "family", FAMILIES.__getitem__)
    yield FACTS
    profiles._known.cache_clear()
    vendor_of.cache_clear()


def provider(**settings: object) -> Provider:
    return Provider(
        name="p", dialect=Dialect.OPENAI_CHAT, base_url="https://acme.example/v1", vendor="acme", **settings
    )


def test_the_more_special_value_wins(facts):
    """Vendor, then every row that fits, in order, then the provider's profile, then its model's."""
    of_vendor = profile_for(provider(), "acme-1")
    assert (of_vendor.max_output, of_vendor.context_window, of_vendor.images) == (1000, 5000, True)
    assert of_vendor.rejects == frozenset({"seed"})
    by_row = profile_for(provider(), "acme-2-mini")
    assert (by_row.max_output, by_row.context_window, by_row.images) == (500, 5000, False)
    by_provider = profile_for(provider(profile={"max_output": 7}), "acme-2-mini")
    assert (by_provider.max_output, by_provider.images) == (7, False)
    models = {"acme-2-mini": {"max_output": 9}}
    assert profile_for(provider(profile={"max_output": 7}, models=models), "acme-2-mini").max_output == 9
    assert profile_for(provider(profile={"max_output": 7}, models=models), "acme-2").max_output == 7


def test_a_profile_says_whose_it_is(facts):
    """Blobs are bound by these; the key's account is the attempt's to fill."""
    profile = profile_for(provider(), "acme-1")
    assert (profile.vendor, profile.provider, profile.model, profile.account) == ("acme", "p", "acme-1", "")


def test_a_plain_server_takes_everything():
    plain = Provider(name="local", dialect=Dialect.OPENAI_CHAT, base_url="http://127.0.0.1:1")
    assert profile_for(plain, "m") == Profile(provider="local", model="m")


def test_the_longest_prefix_claims_a_model(facts):
    assert [vendor_of(name) for name in ("acme-1", "acme-x1", "ac", "zeta", "")] == ["acme", "apex", "acme", None, None]


def test_known_vendors_claim_their_models():
    assert vendor_of("gpt-4o") == "openai"
    assert vendor_of("claude-sonnet-5") == "anthropic"
    assert vendor_of("somebodys-own-model") is None


def test_many_model_names_do_not_grow_the_memory(facts):
    for number in range(3000):
        profile_for(provider(), f"m{number}")
        vendor_of(f"m{number}")
    assert profiles._known.cache_info().currsize <= 1024
    assert vendor_of.cache_info().currsize <= 1024


def test_every_row_of_the_file_is_sound():
    """Known fields of the right types, unique globs, addresses over TLS or on this machine, variables' names."""
    for name, vendor in vendors().items():
        assert vendor.name == name
        assert not vendor.base_url or check_url(vendor.base_url, plain_hosts=()) == "", name
        assert all(variable.isidentifier() and variable.isupper() for variable in vendor.key_env), name
        known = family(name)
        for row in (known.profile, *known.models):
            fields = {field: value for field, value in row.items() if field != "match"}
            assert set(fields) <= FIELDS, (name, row.get("match"), set(fields) - FIELDS)
            msgspec.convert(fields, Profile)
        globs = [row["match"] for row in known.models]
        assert len(globs) == len(set(globs)), name


def test_the_file_names_no_unknown_keys():
    known = {"like", "name", "dialect", "base_url", "key_env", "default_model", "model_prefixes", "profile", "models"}
    for name, row in WHOLE.items():
        assert set(row) <= known, name
        assert row.get("name", name) == name


def test_the_parts_of_the_file_say_what_the_whole_says():
    """A vendor's own table is read with those of all others, what it says of models for itself and later."""
    told = {
        name: {**tomllib.loads(own)["vendors"][name], **tomllib.loads(below).get("vendors", {}).get(name, {})}
        for name, (own, below) in profiles._parts().items()
    }
    assert told == WHOLE
    assert list(told) == list(WHOLE), "in the file's order"


def test_a_start_takes_nothing_apart_that_is_said_of_models(monkeypatch):
    read = []
    noting = SimpleNamespace(loads=lambda text: read.append(text) or tomllib.loads(text))
    monkeypatch.setattr(profiles, "tomllib", noting)
    vendors.cache_clear()
    assert set(vendors()) == set(WHOLE)
    assert ".models]]" not in "".join(read)


def test_a_vendor_like_another_has_its_rows_and_its_own_on_top():
    base, cloud = family("anthropic"), family("anthropic-vertex")
    assert cloud.models[: len(base.models)] == base.models
    assert cloud.profile == {**base.profile, **cloud.profile}
    vertex = Provider("v", Dialect.ANTHROPIC_MESSAGES, "https://v.example", vendor="anthropic-vertex")
    profile = profile_for(vertex, "claude-opus-5-5")
    assert (profile.lineage, profile.thinking, profile.key_header) == ("claude-opus-5-5", "always", "authorization")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("paths", {"chat": "deployments"}, "chat: must start with /"),
        ("paths", {"images": "/a"}, 'has no operation "images"; known: chat'),
        ("paths", {"chat": "/{name}"}, "chat: knows no placeholder but {model}"),
        ("key_header", "Api-Key", "must be a header's name in lower case"),
        ("key_header", "host", "is set by Sidestep itself"),
    ],
)
def test_where_a_provider_is_asked_is_checked(name, value, problem):
    with pytest.raises(ValueError, match="^" + re.escape(problem)):
        profiles.convert(name, value)


def test_a_path_and_a_header_of_ones_own_are_taken():
    assert profiles.convert("paths", {"chat": "/d/{model}"}) == {"chat": "/d/{model}"}
    assert profiles.convert("key_header", "api-key") == "api-key"
    assert profiles.convert("key_header", "") == ""
