"""What `translators/profiles.toml` knows of vendors and their models, merged with what the configuration says.

The later wins: the vendor's own values, the rows whose `match` fits the model (in the file's order), what the provider
itself told of the model, the provider's `profile`, and the provider's `models."NAME"`. The file is read once, at first
use, and of what it says of models a vendor's part is taken apart when one of them is asked for: all of it would be a
twentieth of a start. What is derived from it for a model is kept in a bounded cache, for clients may ask for any number
of names.
"""

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, structs

import translators
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
    like: str
    """The vendor whose models these are; empty where they are its own."""


class Family(Struct, frozen=True):
    """What the file says of a vendor's models, those that it shares among them."""

    profile: Mapping[str, Any]
    models: tuple[Mapping[str, Any], ...]
    """Rows: `match` (a glob over model ids) and Profile fields."""


@cache
def vendors() -> Mapping[str, Vendor]:
    """Every vendor by name, in the file's order."""
    found = tomllib.loads("".join(own for own, _ in _parts().values()))["vendors"]
    return MappingProxyType({name: _vendor(name, row) for name, row in found.items()})


@cache
def family(vendor: str) -> Family:
    """Of a vendor of `vendors()`."""
    below = tomllib.loads(_parts()[vendor][1]).get("vendors", {}).get(vendor, {})
    profile, models, like = below.get("profile", {}), tuple(below.get("models", ())), vendors()[vendor].like
    if like:
        shared = family(like)
        profile, models = {**shared.profile, **profile}, shared.models + models
    return Family(profile, models)


def families() -> None:
    """Takes apart what the file says of every vendor's models, so that no request waits for it."""
    for name in vendors():
        family(name)


@cache
def _parts() -> Mapping[str, tuple[str, str]]:
    """The file's text, by vendor: its own table, and the tables below that."""
    found: dict[str, tuple[str, str]] = {}
    for part in Path(translators.__file__).with_name("profiles.toml").read_text("utf-8").split("\n[")[1:]:
        _, name, *deeper = part.partition("]")[0].strip("[").split(".")
        own, below = found.get(name, ("", ""))
        found[name] = (own, f"{below}[{part}\n") if deeper else (f"{own}[{part}\n", below)
    return found


def _vendor(name: str, row: Mapping[str, Any]) -> Vendor:
    return Vendor(
        name=name,
        dialect=Dialect(row["dialect"]),
        base_url=row.get("base_url", "").rstrip("/"),
        key_env=tuple(row.get("key_env", ())),
        default_model=row.get("default_model") or None,
        model_prefixes=tuple(row.get("model_prefixes", ())),
        like=row.get("like", ""),
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
    if vendor not in vendors():
        return Profile(vendor=vendor)
    known = family(vendor)
    fields: dict[str, Any] = {**known.profile, "vendor": vendor}
    for row in known.models:
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
