"""`[providers.NAME]`: where requests may go, with which keys, under which settings.

A provider is a `vendor` of profiles.toml, whose dialect, address and key variables then need not be said, or a
`dialect` and a `base_url` of its own. `keys` names sources, never keys; without it the vendor's usual variable is read.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from proxy.config import profiles, settings
from proxy.config.addresses import check_header, check_url, points_at, repeated_headers
from proxy.config.errors import listed, nearest
from proxy.config.secrets import CLIENT, NoSecret
from proxy.config.sources import TOKENS, read_key
from proxy.config.table import Range, Table, join
from proxy.config.values import (
    BreakerSettings,
    HealthSettings,
    Provider,
    ProviderKey,
    RetrySettings,
    TimeoutSettings,
)
from translators.catalog import PROVIDERS
from translators.ir import Dialect

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
"""Provider names stand in chains before a slash, in headers and in metric labels."""


class Common(Struct, frozen=True):
    """What every provider starts from."""

    env: Mapping[str, str]
    listen: str
    cluster_hosts: Sequence[str]
    breaker: BreakerSettings
    retry: RetrySettings
    timeouts: TimeoutSettings
    health: HealthSettings
    per_target: int


def read_providers(table: Table, common: Common) -> dict[str, Provider]:
    """Every provider by name; what is wrong with one is noted, and stands in for it harmlessly."""
    found: dict[str, Provider] = {}
    for name, block in table.tables():
        if not NAME.match(name):
            table.wrong(name, "a provider's name is at most 64 letters, digits, dots, dashes and underscores")
        found[name] = _provider(name, block, common)
    return found


def _provider(name: str, table: Table, common: Common) -> Provider:
    vendor = _vendor(table)
    dialect = table.choice("dialect", [dialect.value for dialect in PROVIDERS])
    if "dialect" not in table and "vendor" not in table:
        table.wrong("dialect", f"say which: {listed(known.value for known in PROVIDERS)}; or name a vendor")
    base_url = _base_url(table, vendor, common)
    keys, client_key = _keys(table, vendor, common.env)
    profile = _profile(table.table("profile"))
    if any(isinstance(key.renewal, TOKENS) for key in keys):
        profile.setdefault("key_header", "authorization")
    provider = Provider(
        name=name,
        dialect=Dialect(dialect) if dialect else vendor.dialect if vendor else Dialect.OPENAI_CHAT,
        base_url=base_url,
        keys=keys,
        client_key=client_key,
        vendor=vendor.name if vendor else "",
        headers=_headers(table),
        proxy=_proxy(table),
        ca_file=_ca_file(table),
        token_url=_token_url(table, common),
        default_model=table.text("default_model") or (vendor.default_model if vendor else None),
        breaker=settings.over(common.breaker, table.table("breaker"), without=settings.WHOLE_CHAIN),
        retry=settings.over(common.retry, table.table("retry"), without=settings.WHOLE_CHAIN),
        timeouts=settings.over(common.timeouts, table.table("timeouts"), without=settings.WHOLE_CHAIN),
        health=settings.over(common.health, table.table("health")),
        per_target=_or(table.number("per_target", int, Range(0, 1_000_000)), common.per_target),
        trace=bool(table.flag("trace")),
        profile=profile,
        models={model: _profile(block) for model, block in table.table("models").tables()},
    )
    table.finish()
    return provider


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _vendor(table: Table) -> profiles.Vendor | None:
    name = table.choice("vendor", list(profiles.vendors()))
    return profiles.vendors()[name] if name else None


def _base_url(table: Table, vendor: profiles.Vendor | None, common: Common) -> str:
    given = table.text("base_url")
    url = given or (vendor.base_url if vendor else "")
    if not url:
        if "base_url" not in table:
            table.wrong("base_url", "is missing: say where the provider is, as in https://api.example.com/v1")
        return ""
    if given and (problem := check_url(given, plain_hosts=common.cluster_hosts)):
        table.wrong("base_url", problem)
    elif points_at(url, common.listen):
        table.wrong("base_url", f"points at this proxy itself ({common.listen})")
    return url.rstrip("/")


def _keys(table: Table, vendor: profiles.Vendor | None, env: Mapping[str, str]) -> tuple[tuple[ProviderKey, ...], bool]:
    sources = table.texts("keys")
    if sources is None:
        return (() if "keys" in table or vendor is None else _usual_keys(table, vendor, env)), False
    if CLIENT in sources:
        if len(sources) > 1:
            table.wrong("keys", '"client" stands alone: the caller\'s own key is the only one used')
        return (), True
    if len(set(sources)) < len(sources):
        table.wrong("keys", "names the same source twice")
    keys = []
    for place, source in enumerate(sources):
        try:
            keys.append(read_key(source, env))
        except NoSecret as error:
            table.wrong("keys", f"entry {place + 1}: {error}")
    if len({isinstance(key.renewal, TOKENS) for key in keys}) > 1:
        table.wrong("keys", "has tokens beside keys, which travel in different headers: make two providers of them")
    return tuple(keys), False


def _usual_keys(table: Table, vendor: profiles.Vendor, env: Mapping[str, str]) -> tuple[ProviderKey, ...]:
    try:
        return vendor_keys(vendor, env)
    except NoSecret as error:
        table.wrong("keys", str(error))
        return ()


def vendor_keys(vendor: profiles.Vendor, env: Mapping[str, str]) -> tuple[ProviderKey, ...]:
    """The key in the first of the vendor's variables that is set; none for a vendor that takes none.

    Raises NoSecret when the vendor needs a key and none is set, or the one set cannot be a key.
    """
    if not vendor.key_env:
        return ()
    variable = next((name for name in vendor.key_env if env.get(name, "").strip()), None)
    if variable is None:
        some = vendor.key_env[0] if len(vendor.key_env) == 1 else f"one of {listed(vendor.key_env)}"
        raise NoSecret(f"no key: set {some}, or say where it is with keys = [...]")
    return (read_key(f"env:{variable}", env),)


def _headers(table: Table) -> dict[str, str]:
    headers = table.plain("headers")
    for name, value in headers.items():
        if problem := check_header(name, value):
            table.problems.add(join(table.at("headers"), name), problem)
    for name in repeated_headers(headers):
        table.problems.add(join(table.at("headers"), name), "is set twice (header names have no case)")
    return {name.lower(): value for name, value in headers.items()}


def _proxy(table: Table) -> str | None:
    url = table.text("proxy")
    if url and (problem := check_url(url, plain_hosts=None)):
        table.wrong("proxy", problem)
    return url


def _token_url(table: Table, common: Common) -> str | None:
    url = table.text("token_url")
    if url and (problem := check_url(url, plain_hosts=common.cluster_hosts)):
        table.wrong("token_url", problem)
    return url.rstrip("/") if url else None


def _ca_file(table: Table) -> str | None:
    path = table.text("ca_file")
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        table.wrong("ca_file", f"file {path} cannot be read: {(error.strerror or 'unknown error').lower()}")
    else:
        if b"-----BEGIN CERTIFICATE-----" not in content:
            table.wrong("ca_file", f"file {path} holds no PEM certificate")
    return path


def _profile(table: Table) -> dict[str, Any]:
    """Profile fields as the types they have there."""
    fields: dict[str, Any] = {}
    for name in table:
        value = table.raw(name)
        if name not in profiles.FIELDS:
            table.wrong(name, f"is not a field of a profile{nearest(name, profiles.FIELDS)}")
            continue
        try:
            fields[name] = profiles.convert(name, value)
        except ValueError as error:
            table.wrong(name, str(error))
    return fields
