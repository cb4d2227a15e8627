"""What the configured providers tell of their models now: asked once, for `explain --ask`."""

import asyncio
from collections.abc import Callable
from typing import Final

from proxy.clock import SystemClock
from proxy.config.hidden import Secret
from proxy.config.values import Config, Provider
from proxy.upstream.capabilities import Capabilities, World, tells
from proxy.upstream.engines import engine_for
from proxy.upstream.seam import Engine
from translators.profile import Profile

HINT: Final = "What {} of {} models is not in it: --ask asks."


def asked(config: Config) -> tuple[Callable[[Provider, str], Profile], list[str]]:
    """The profiles as a running proxy has them after its first look, and per provider that could not be asked a line
    that says why. Takes some seconds at most, and every key is used as it is at this moment."""
    return asyncio.run(_asked(config))


async def _asked(config: Config) -> tuple[Callable[[Provider, str], Profile], list[str]]:
    engines: list[Engine] = []
    problems: list[str] = []

    def engine_of(provider: Provider) -> Engine:
        engines.append(engine_for(config.server.engine, provider, connections=1))
        return engines[-1]

    def warn(name: str, why: str) -> None:
        problems.append(f"{name} did not tell what its models can do: {why}")

    known = Capabilities(config.providers.values(), World(engine_of, _secret, SystemClock(), warn), lambda: None)
    await known.ask()
    for engine in engines:
        await engine.close()
    return known.profile_for, problems


def hint(config: Config, targets: list[str]) -> str:
    """What an explanation leaves out that was made without asking; empty where the proxy would not know it either."""
    names = dict.fromkeys(target.partition("/")[0] for target in targets)
    silent = [name for name in names if tells(config.providers[name])]
    if not silent or not config.server.refresh_capabilities:
        return ""
    one = len(silent) == 1
    return HINT.format(f"{' and '.join(silent)} {'tells' if one else 'tell'}", "its" if one else "their")


def _secret(provider: Provider) -> Secret | None:
    return next((key.secret for key in provider.keys if key.secret is not None), None)
