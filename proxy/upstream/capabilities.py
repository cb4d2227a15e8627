"""What models can do, asked of the providers whose own lists of models tell it.

Once some time after the start and then daily, in the background: the rows of profiles.toml serve until then, and
wherever a list is silent; what the configuration says outranks both. A vendor is asked at its own address only, with
the key that is there for it; a server of one's own, which takes no key by nature, wherever it is. A list that cannot be
had costs one line in the log, and what was told before stays.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.profiles import profile_for, vendors
from proxy.config.values import Config, Provider
from proxy.upstream import hygiene
from proxy.upstream.bodies import answered
from proxy.upstream.listings import LISTINGS, Told
from proxy.upstream.seam import Call, Cut, Engine, Unreachable
from translators.catalog import codec
from translators.profile import Profile

SOON_S: Final = 10.0
"""At the least before the first look, and as much again by chance: a start is busy, and a fleet starts at once."""
DAY_S: Final = 86_400.0
TIMEOUT_S: Final = 20.0
ANSWER_LIMIT: Final = 16 * 1024 * 1024
NO_KEY: Final = Secret("")

Warn = Callable[[str, str], None]
"""Provider's name, reason."""


class World(Struct, frozen=True):
    """What asking takes."""

    engine_of: Callable[[Provider], Engine]
    secret_of: Callable[[Provider], Secret | None]
    """A key that may be used now."""
    clock: Clock
    warn: Warn


class Capabilities:
    """`profile_for` is the static one with what was told between the file's rows and the configuration's fields."""

    def __init__(self, providers: Iterable[Provider], world: World, changed: Callable[[], None]) -> None:
        self._asked = [provider for provider in providers if tells(provider)]
        self._world = world
        self._changed = changed
        self._told: dict[str, Told] = {}
        self._task: asyncio.Task[None] | None = None

    def profile_for(self, provider: Provider, model: str) -> Profile:
        return profile_for(provider, model, self._told.get(provider.name, {}).get(model))

    async def ask(self) -> None:
        """Asks every provider that tells, all at once."""
        for provider, told in zip(self._asked, await asyncio.gather(*map(self._ask, self._asked)), strict=True):
            if told is not None and told != self._told.get(provider.name):
                self._told[provider.name] = told
                self._changed()

    def open(self) -> None:
        if self._asked:
            self._task = asyncio.create_task(self._keep())

    def follow(self, providers: Iterable[Provider]) -> None:
        """Asks these from now on, soon where any is new. What others told is forgotten."""
        before = {_place(provider) for provider in self._asked}
        self._asked = [provider for provider in providers if tells(provider)]
        after = {_place(provider) for provider in self._asked}
        stay = {name for name, *_ in after & before}
        self._told = {name: told for name, told in self._told.items() if name in stay}
        if after != before:
            if self._task is not None:
                self._task.cancel()
            self.open()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        clock = self._world.clock
        await clock.sleep(SOON_S * (1 + clock.uniform()))
        while True:
            await self.ask()
            await clock.sleep(DAY_S * (0.9 + clock.uniform() / 5))

    async def _ask(self, provider: Provider) -> Told | None:
        path, read = LISTINGS[provider.vendor]
        secret = self._world.secret_of(provider) if provider.keys else NO_KEY
        if secret is None:
            self._world.warn(provider.name, "it has no usable key now")
            return None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await self._got(provider, path, secret)
            if status != 200:
                self._world.warn(provider.name, f"it answered {status}")
                return None
            return await asyncio.to_thread(read, body)
        except (Unreachable, Cut) as error:
            self._world.warn(provider.name, f"it could not be asked: {error}")
        except TimeoutError:
            self._world.warn(provider.name, "it did not answer in time")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._world.warn(provider.name, "its answer is no list of models")
        except Exception as error:  # noqa: BLE001 - it is told, and asked again the next day
            self._world.warn(provider.name, f"internal error: {type(error).__name__}; please report it")
        return None

    async def _got(self, provider: Provider, path: str, secret: Secret) -> tuple[int, bytes]:
        return await answered(self._world.engine_of(provider), listing_call(provider, path, secret), ANSWER_LIMIT)


def _place(provider: Provider) -> tuple[str, str, str]:
    return provider.name, provider.vendor, provider.base_url


def tells(provider: Provider) -> bool:
    """Whether it can be asked what its models can do."""
    if provider.vendor not in LISTINGS or provider.demo:
        return False
    vendor = vendors()[provider.vendor]
    if not vendor.key_env:
        return not provider.client_key
    return bool(provider.keys) and provider.base_url == vendor.base_url


def listing_call(provider: Provider, path: str, secret: Secret) -> Call:
    """Asks `provider` for what lies at `path` below its base URL, as requests do: same headers, same times."""
    nothing: dict[str, Any] = {}
    own = codec(provider.dialect).request_headers(secret.reveal(), profile_for(provider, ""), nothing)
    times = provider.timeouts
    return Call(
        method="GET",
        url=provider.base_url + path,
        headers=hygiene.request_headers(own, provider.headers, {}),
        body=b"",
        stream=False,
        connect_s=times.connect_s,
        pool_s=times.pool_s,
        write_s=times.write_s,
    )


def asked(config: Config) -> Iterable[Provider]:
    """Whose own lists of models are asked what each can do."""
    return config.providers.values() if config.server.refresh_capabilities else ()
