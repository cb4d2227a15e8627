"""What `translators/profiles.toml` knows of vendors and their models, merged with what the configuration says.

The later wins: the vendor's own values, the rows whose `match` fits the model (in the file's order), what the provider
itself told of the model, the provider's `profile`, and the provider's `models."NAME"`. The file is read once, at first
use; what is derived from it for a model is kept in a bounded cache, for clients may ask for any number of names.
"""

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, structs

from proxy.config.addresses import check_key_header, check_path
from proxy.config.errors import listed
from proxy.config.values import Provider
from translators.ir import Dialect
from translators.profile import OPERATIONS, Profile

_BOUND = frozenset({"vendor", "provider", "model", "account", "custom_tools"})
"""Fields of a Profile that are known from elsewhere and never configured."""
LARGEST: Final = 1_000_000_000
FIELDS: Final = frozenset(Profile.__struct_fields__) - _BOUND
"""What a configuration may say of a model."""


class Vendor(Struct, frozen=True):
    """One `[vendors.NAME]` of the file."""

    name: str
    dialect: Dialect
    base_url: str
    """Empty where every customer has an address of their own."""
    key_env: tuple[str, ...]
    """Environment variables that may hold its key, the usual one first; empty for a server that takes none."""
    default_model: str | None
    model_prefixes: tuple[str, ...]
    profile: Mapping[str, Any]
    models: tuple[Mapping[str, Any], ...]
    """Rows: `match` (a glob over model ids) and Profile fields."""


@cache
def vendors() -> Mapping[str, Vendor]:
    """Every vendor by name, in the file's order."""
    text = resources.files("translators").joinpath("profiles.toml").read_text("utf-8")
    found: dict[str, Vendor] = {}
    for name, row in tomllib.loads(text)["vendors"].items():
        found[name] = _vendor(name, row, found.get(row.get("like", "")))
    return MappingProxyType(found)


def _vendor(name: str, row: Mapping[str, Any], like: Vendor | None) -> Vendor:
    profile, models = row.get("profile", {}), tuple(row.get("models", ()))
    if like is not None:
        profile, models = {**like.profile, **profile}, like.models + models
    return Vendor(
        name=name,
        dialect=Dialect(row["dialect"]),
        base_url=row.get("base_url", "").rstrip("/"),
        key_env=tuple(row.get("key_env", ())),
        default_model=row.get("default_model") or None,
        model_prefixes=tuple(row.get("model_prefixes", ())),
        profile=profile,
        models=models,
    )


@lru_cache(maxsize=1024)
def vendor_of(model: str) -> str | None:
    """The vendor whose models are named like this one (the longest prefix decides), None when none claims it."""
    best, owner = 0, None
    for vendor in vendors().values():
        for prefix in vendor.model_prefixes:
            if len(prefix) > best and model.startswith(prefix):
                best, owner = len(prefix), vendor.name
    return owner


def profile_for(provider: Provider, model: str, told: Mapping[str, Any] | None = None) -> Profile:
    """The profile of `model` at `provider`; `account` is left to the attempt, which knows the key. `told` are fields
    that the provider's own list of models gives."""
    return structs.replace(
        _known(provider.vendor, model),
        provider=provider.name,
        model=model,
        **{**(told or {}), **provider.profile, **provider.models.get(model, {})},
    )


@lru_cache(maxsize=1024)
def _known(vendor: str, model: str) -> Profile:
    family = vendors().get(vendor)
    if family is None:
        return Profile(vendor=vendor)
    fields: dict[str, Any] = {**family.profile, "vendor": vendor}
    for row in family.models:
        if fnmatchcase(model, row["match"]):
            fields.update(row)
    fields.pop("match", None)
    return msgspec.convert(fields, Profile)


def convert(name: str, value: object) -> Any:
    """One Profile field as the type it has there. Raises ValueError with a clause."""
    try:
        field = getattr(msgspec.convert({name: value}, Profile), name)
    except msgspec.ValidationError as error:
        what = str(error).partition(" - at ")[0].replace("`", "")
        if what.startswith("Invalid enum value"):
            raise ValueError(
                f"{what.removeprefix('Invalid enum value ')} is not known; known: {_options(name)}"
            ) from None
        raise ValueError(what.replace("Expected", "must be", 1)) from None
    if isinstance(field, (int, float)) and not 0 <= field <= LARGEST:
        raise ValueError(f"must be at least 0 and at most {LARGEST}")
    if name == "paths":
        _check_paths(field)
    elif name == "key_header" and field and (problem := check_key_header(field)):
        raise ValueError(problem)
    return field


def _check_paths(paths: Mapping[str, str]) -> None:
    for operation, path in paths.items():
        if operation not in OPERATIONS:
            raise ValueError(f'has no operation "{operation[:40]}"; known: {listed(sorted(OPERATIONS))}')
        if problem := check_path(path):
            raise ValueError(f"{operation}: {problem}")


def _options(name: str) -> str:
    """The words a field of fixed words may have, whether it takes one or several."""
    hint = get_type_hints(Profile)[name]
    literal = hint if get_origin(hint) is Literal else get_args(hint)[0]
    return listed(get_args(literal))
