"""The connection pools of a configuration: one a provider, kept over a reload where nothing it was made of has changed.

What a pool was made of is written down beside it (`Pool.of`), certificates by their content, so that a file of them
that was replaced under its name counts as a change. A pool that is kept keeps its connections.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from proxy.config.errors import ConfigError, ConfigErrors
from proxy.config.values import Config, Provider
from proxy.upstream.engines import EngineFor, engine_for
from proxy.upstream.seam import Engine

Made = tuple[str, str, str | None, str | None, bytes, int]


class Pool(Struct, frozen=True, eq=False):
    engine: Engine
    of: Made
    """Engine's kind, base URL, proxy, certificate file and its digest, places."""


def pools_for(config: Config, before: Mapping[str, Pool], engine_for: EngineFor = engine_for) -> dict[str, Pool]:
    """A pool for each provider, by name; from `before` where it can be kept. Reads files.

    Raises ConfigErrors for certificates that cannot be used; then nothing of `before` has changed.
    """
    pools, errors = {}, []
    for name, provider in config.providers.items():
        try:
            pools[name] = _pool(config, provider, before.get(name), engine_for)
        except ValueError as error:
            errors.append(ConfigError(f"providers.{name}.ca_file", str(error), config.source))
    if errors:
        raise ConfigErrors(errors)
    return pools


def _pool(config: Config, provider: Provider, before: Pool | None, engine_for: EngineFor) -> Pool:
    kind, places = config.server.engine, config.limits.in_flight
    of = kind, provider.base_url, provider.proxy, provider.ca_file, _content(provider.ca_file), places
    if before is not None and before.of == of:
        return before
    return Pool(engine_for(kind, provider, connections=places), of)


def _content(path: str | None) -> bytes:
    """A digest of it. Raises ValueError naming a file that cannot be read."""
    if path is None:
        return b""
    try:
        return sha256(Path(path).read_bytes()).digest()
    except OSError as error:
        raise ValueError(f"ca_file {path} cannot be read: {(error.strerror or 'unknown error').lower()}") from None
