"""Keys kept fresh in the background, so that no request ever waits for one.

A file is looked at once a second and read when it changed: orchestrators replace it under a running process. A token is
fetched at the start, and again when most of its lifetime is over; one task a key, so that there is never more than one
fetch of it under way. A fetch that fails is tried again with growing pauses; meanwhile the old token serves until it
ends, and then the key is gone until there is a new one, so that the chain goes on instead of sending what is refused.

The operator is told once when renewing begins to fail, and once when the token is gone. Secrets are in no message.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final, Protocol

from msgspec import structs

from proxy.clock import Clock
from proxy.config.secrets import NoSecret, read_secret
from proxy.config.values import KeyFile, Provider, ProviderKey, Secret, Token
from proxy.upstream.grants import NoToken, grant
from proxy.upstream.seam import Engine

LOOK_S: Final = 1.0
"""Between two looks at the files."""
FIRST_S: Final = 12.0
"""How long a start waits for the first tokens; a provider whose token is late is skipped until it is there."""
USED: Final = 0.75
"""The part of its lifetime after which a token is fetched anew, and a tenth more by chance."""
PAUSE_S: Final = 1.0
PAUSE_MAX_S: Final = 60.0

Signature = tuple[int, int, int]


class Alert(Protocol):
    def __call__(self, event: str, /, **facts: str | int) -> None: ...


class Credentials:
    """`renewed` is told a provider's keys whenever one has changed; `engine_of` makes a connection pool."""

    def __init__(
        self,
        providers: Iterable[Provider],
        renewed: Callable[[Provider, tuple[ProviderKey, ...]], None],
        engine_of: Callable[[Provider], Engine],
        clock: Clock,
        alert: Alert,
    ) -> None:
        self._engine_of = engine_of
        self._clock = clock
        self._tokens: list[tuple[_Kept, Token]] = []
        self._files: list[tuple[_Kept, KeyFile]] = []
        self._tasks: list[asyncio.Task[None]] = []
        for provider in providers:
            keys = list(provider.keys)
            for place, key in enumerate(keys):
                kept = _Kept(provider, keys, place, renewed, alert)
                if isinstance(key.renewal, KeyFile):
                    self._files.append((kept, key.renewal))
                elif key.renewal is not None:
                    self._tokens.append((kept, key.renewal))

    async def open(self) -> None:
        """Begins to keep them fresh. Returns once every first token is there, has failed, or is late."""
        if self._files:
            self._begin(self._watch())
        for kept, renewal in self._tokens:
            self._begin(self._keep(kept, renewal))
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                for kept, _ in self._tokens:
                    await kept.tried.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    # -- tokens

    async def _keep(self, kept: "_Kept", renewal: Token) -> None:
        failures, ends_at, clock = 0, 0.0, self._clock
        while True:
            asked_at = clock.now()
            try:
                granted = await grant(renewal, kept.provider, self._engine_of, clock.wall)
            except NoToken as error:
                failures += 1
                kept.failed(str(error), first=failures == 1)
                pause = min(PAUSE_MAX_S, PAUSE_S * 2.0 ** min(failures - 1, 8)) * (0.5 + clock.uniform() / 2)
                if kept.secret is not None:
                    left = ends_at - clock.now()
                    pause = min(pause, left)
                    if left <= 0:
                        kept.take(None)
                        pause = PAUSE_S
            else:
                failures, ends_at = 0, asked_at + granted.lifetime_s
                kept.take(granted.secret)
                pause = granted.lifetime_s * (USED + clock.uniform() / 10)
            kept.tried.set()
            await clock.sleep(max(PAUSE_S, pause))

    # -- files

    async def _watch(self) -> None:
        seen: dict[_Kept, Signature | None] = {}
        while True:
            for kept, file in self._files:
                seen[kept], secret, problem = await asyncio.to_thread(_look, file.path, seen.get(kept))
                if secret is not None and secret != kept.secret:
                    kept.take(secret)
                elif problem:
                    kept.failed(problem, first=True)
            await self._clock.sleep(LOOK_S)


class _Kept:
    """One key that is renewed, and its place among its provider's."""

    __slots__ = ("_alert", "_keys", "_place", "_renewed", "provider", "tried")

    def __init__(
        self,
        provider: Provider,
        keys: list[ProviderKey],
        place: int,
        renewed: Callable[[Provider, tuple[ProviderKey, ...]], None],
        alert: Alert,
    ) -> None:
        self.provider = provider
        self.tried = asyncio.Event()
        self._keys = keys
        self._place = place
        self._renewed = renewed
        self._alert = alert

    @property
    def secret(self) -> Secret | None:
        return self._keys[self._place].secret

    def take(self, secret: Secret | None) -> None:
        """None: the old one has ended, and there is no new one."""
        if secret is None:
            self._tell("key_expired", "its lifetime is over and no new one was had")
        self._keys[self._place] = structs.replace(self._keys[self._place], secret=secret)
        self._renewed(self.provider, tuple(self._keys))

    def failed(self, reason: str, *, first: bool) -> None:
        if first:
            self._tell("key_not_renewed", reason)

    def _tell(self, event: str, reason: str) -> None:
        self._alert(event, provider=self.provider.name, source=self._keys[self._place].source, reason=reason)


def _look(path: str, before: Signature | None) -> tuple[Signature | None, Secret | None, str]:
    """The file's signature, and where it changed what it holds now, or what is wrong with it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as short, and follows the links that orchestrators switch
    except OSError:
        signature: Signature | None = None
    else:
        signature = (found.st_mtime_ns, found.st_size, found.st_ino)
    if signature == before:
        return signature, None, ""
    try:
        return signature, read_secret(f"file:{path}", {}), ""
    except NoSecret as error:
        return signature, None, str(error)
