"""A configuration without its keys: for a drill that calls no real provider, on a machine that has none of them.

Each source of a key becomes a variable of its own that has a stand-in, so that a provider keeps as many keys as it has:
what several keys do about a refusal is part of what is drilled. What only a real connection needs goes away.
"""

from collections.abc import Mapping
from typing import Any, Final

from proxy.config import zero
from proxy.config.ledger import URL_VARIABLE
from proxy.config.profiles import vendors

VARIABLE: Final = "SIDESTEP_OFFLINE_KEY_"
MOST: Final = 100
"""Keys of one provider that get a stand-in."""
_ONLINE: Final = frozenset({"ca_file", "proxy", "token_url"})


def content(told: Mapping[str, Any]) -> dict[str, Any]:
    """A file's content with stand-ins for the sources of its keys, no place where usage is kept and nobody who is
    alerted; what is malformed is left for others to refuse."""
    told = {name: section for name, section in told.items() if name not in ("ledger", "alerts")}
    providers = told.get("providers")
    if not isinstance(providers, dict):
        return told
    return {**told, "providers": {name: _provider(block) for name, block in providers.items()}}


def _provider(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    kept = {name: value for name, value in block.items() if name not in _ONLINE}
    keys = block.get("keys")
    vendor = vendors().get(str(block.get("vendor")))
    if isinstance(keys, list):
        kept["keys"] = _names(min(len(keys), MOST))
    elif keys is None and vendor is not None and vendor.key_env:
        kept["keys"] = _names(1)
    return kept


def _names(count: int) -> list[str]:
    return [f"env:{VARIABLE}{place + 1}" for place in range(count)]


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """`env` with what the stand-ins name."""
    return {**_unkept(env), **{f"{VARIABLE}{place + 1}": f"offline-{place + 1}" for place in range(MOST)}}


def _unkept(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name != URL_VARIABLE}


def defaults(env: Mapping[str, str]) -> dict[str, str]:
    """For a start without a file: `env` as it is where some vendor has a key there, else with keys for the vendors that
    it names, or that stand in a chain by default."""
    env = _unkept(env)
    if any(env.get(name, "").strip() for vendor in zero.unaided().values() for name in vendor.key_env):
        return dict(env)
    named = [env.get(zero.PRIMARY, "").strip() or zero.DEFAULT_PRIMARY]
    named += [name.strip() for name in env.get(zero.FALLBACK, zero.DEFAULT_FALLBACK).split(",")]
    made: dict[str, str] = {}
    for name in named:
        vendor = zero.unaided().get(name.lower())
        if vendor is not None and vendor.key_env:
            made[vendor.key_env[0]] = "offline"
        if vendor is not None and vendor.name in zero.ENDPOINTS:
            endpoint = zero.ENDPOINTS[vendor.name]
            made[endpoint.variable] = env.get(endpoint.variable, "").strip() or endpoint.example
    return {**env, **made}
