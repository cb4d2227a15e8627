"""Which engine a provider's calls go through. Only the chosen one is imported."""

from typing import Literal, Protocol

from proxy.config.values import Provider
from proxy.upstream.seam import Engine

CONNECTIONS = 2000
"""Calls under way at once, per provider, unless told otherwise: the default of `limits.in_flight`."""


class EngineFor(Protocol):
    def __call__(self, kind: Literal["native", "httpx2"], provider: Provider, *, connections: int) -> Engine:
        """One connection pool for `provider`."""


def engine_for(
    kind: Literal["native", "httpx2"],
    provider: Provider,
    *,
    connections: int = CONNECTIONS,
) -> Engine:
    """One connection pool for `provider`. Raises ValueError for a `ca_file` that cannot be used.

    A provider behind a proxy gets httpx2 in any case, for the native engine does not speak to proxies.
    """
    if kind == "native" and not provider.proxy:
        from proxy.upstream.native import NativeEngine  # noqa: PLC0415 - only the chosen engine is loaded

        return NativeEngine(provider, connections=connections)
    from proxy.upstream.httpx2_engine import Httpx2Engine  # noqa: PLC0415 - only the chosen engine is loaded

    return Httpx2Engine(provider, connections=connections)
