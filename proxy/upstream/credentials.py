"""Keys kept fresh in the background, so that no request ever waits for one.

A file is looked at once a second and read when it changed: orchestrators replace it under a running process. A token is
fetched at the start, and again when most of its lifetime is over; one task a key, so that there is never more than one
fetch of it under way. A fetch that fails is tried again with growing pauses; meanwhile the old token serves until it
ends, and then the key is gone until there is a new one, so that the chain goes on instead of sending what is refused.

The operator is told once when renewing begins to fail, and once when the token is gone. Secrets are in no message.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final, Protocol

from msgspec import structs

from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.secrets import NoSecret, read_secret
from proxy.config.values import KeyFile, Provider, ProviderKey, Token
from proxy.upstream.grants import Grant, NoToken, grant
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
Renewed = Callable[[Provider, tuple[ProviderKey, ...]], None]


class Alert(Protocol):
    def __call__(self, event: str, /, **facts: str | int) -> None: ...


class Credentials:
    """`renewed` is told a provider's keys whenever one has changed; `engine_of` makes a connection pool.

    Another set of providers is taken in two steps: `prepare` fetches what is new while the old keys serve, `adopt`
    switches at once. Keys that are the same in both go on as they are, token and next renewal included.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        renewed: Renewed,
        engine_of: Callable[[Provider], Engine],
        clock: Clock,
        alert: Alert,
    ) -> None:
        self._renewed = renewed
        self._engine_of = engine_of
        self._clock = clock
        self._alert = alert
        self._watcher: asyncio.Task[None] | None = None
        self.rings: Rings = {provider.name: _Ring(provider, renewed, alert) for provider in providers}

    async def open(self) -> None:
        """Begins to keep them fresh. Returns once every first token is there, has failed, or is late."""
        self._look_after(self.rings)
        await self._begun(self.rings.values())

    async def prepare(self, providers: Iterable[Provider]) -> "Rings":
        """What `adopt` takes. Returns once every token that is new is there, has failed, or is late."""
        rings = {provider.name: self._ring(provider) for provider in providers}
        try:
            await self._begun(ring for name, ring in rings.items() if ring is not self.rings.get(name))
        except asyncio.CancelledError:
            _stop(rings, self.rings)
            raise
        return rings

    def adopt(self, rings: "Rings") -> None:
        """Tells these keys and keeps them fresh from now on, and what is not among them no more."""
        before, self.rings = self.rings, rings
        _stop(before, rings)
        self._look_after(rings)
        for ring in rings.values():
            ring.tell()

    async def close(self) -> None:
        tasks = _stop(self.rings, {})
        if self._watcher is not None:
            self._watcher.cancel()
            tasks.append(self._watcher)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ring(self, provider: Provider) -> "_Ring":
        ring = self.rings.get(provider.name)
        if ring is not None and ring.serves(provider):
            return ring
        return _Ring(provider, self._renewed, self._alert, told=False)

    async def _begun(self, rings: Iterable["_Ring"]) -> None:
        waiting = []
        for ring in rings:
            for kept, renewal in ring.tokens:
                ring.tasks.append(asyncio.create_task(self._keep(kept, renewal)))
                waiting.append(kept)
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                for kept in waiting:
                    await kept.tried.wait()

    def _look_after(self, rings: "Rings") -> None:
        if self._watcher is None and any(ring.files for ring in rings.values()):
            self._watcher = asyncio.create_task(self._watch())

    # -- tokens

    async def _keep(self, kept: "_Kept", renewal: Token) -> None:
        failures, ends_at, clock = 0, 0.0, self._clock
        while True:
            asked_at = clock.now()
            try:
                granted = await self._granted(kept, renewal)
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

    async def _granted(self, kept: "_Kept", renewal: Token) -> Grant:
        """Raises NoToken whatever went wrong: a key that is renewed no more would end unseen."""
        try:
            return await grant(renewal, kept.provider, self._engine_of, self._clock.wall)
        except NoToken:
            raise
        except Exception as error:  # noqa: BLE001 - it is told, and tried again
            raise NoToken(_unforeseen(error)) from None

    # -- files

    async def _watch(self) -> None:
        seen: dict[_Kept, Signature | None] = {}
        troubled: set[_Kept] = set()
        while True:
            files = [one for ring in self.rings.values() for one in ring.files]
            seen = {kept: seen.get(kept) for kept, _ in files}
            for kept, file in files:
                try:
                    seen[kept], secret, problem = await asyncio.to_thread(_look, file.path, seen[kept])
                except Exception as error:  # noqa: BLE001 - it is told, and looked at again
                    secret, problem = None, "" if kept in troubled else _unforeseen(error)
                    troubled.add(kept)
                else:
                    troubled.discard(kept)
                if secret is not None and secret != kept.secret:
                    kept.take(secret)
                elif problem:
                    kept.failed(problem, first=True)
            await self._clock.sleep(LOOK_S)


class _Ring:
    """The keys of one provider as they are now."""

    __slots__ = ("_alert", "_renewed", "_told", "files", "keys", "provider", "tasks", "tokens")

    def __init__(self, provider: Provider, renewed: Renewed, alert: Alert, *, told: bool = True) -> None:
        """Until it is `told`, what is renewed is known here alone."""
        self.provider = provider
        self.keys = list(provider.keys)
        self.tokens: list[tuple[_Kept, Token]] = []
        self.files: list[tuple[_Kept, KeyFile]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._renewed = renewed
        self._alert = alert
        self._told = told
        for place, key in enumerate(self.keys):
            kept = _Kept(self, place)
            if isinstance(key.renewal, KeyFile):
                self.files.append((kept, key.renewal))
            elif key.renewal is not None:
                self.tokens.append((kept, key.renewal))

    def serves(self, provider: Provider) -> bool:
        """Whether `provider` has the same keys, at the same place and had in the same way."""
        return _origin(provider) == _origin(self.provider)

    def tell(self) -> None:
        self._told = True
        self._renewed(self.provider, tuple(self.keys))

    def changed(self) -> None:
        if self._told:
            self.tell()

    def alert(self, event: str, source: str, reason: str) -> None:
        self._alert(event, provider=self.provider.name, source=source, reason=reason)


Rings = Mapping[str, _Ring]
"""By provider name."""


class _Kept:
    """One key that is renewed, and its place among its provider's."""

    __slots__ = ("_place", "_ring", "tried")

    def __init__(self, ring: _Ring, place: int) -> None:
        self.tried = asyncio.Event()
        self._ring = ring
        self._place = place

    @property
    def provider(self) -> Provider:
        return self._ring.provider

    @property
    def secret(self) -> Secret | None:
        return self._ring.keys[self._place].secret

    def take(self, secret: Secret | None) -> None:
        """None: the old one has ended, and there is no new one."""
        if secret is None:
            self._tell("key_expired", "its lifetime is over and no new one was had")
        keys = self._ring.keys
        keys[self._place] = structs.replace(keys[self._place], secret=secret)
        self._ring.changed()

    def failed(self, reason: str, *, first: bool) -> None:
        if first:
            self._tell("key_not_renewed", reason)

    def _tell(self, event: str, reason: str) -> None:
        self._ring.alert(event, self._ring.keys[self._place].source, reason)


def _stop(rings: Rings, but: Rings) -> list["asyncio.Task[None]"]:
    """Ends the renewal of keys that are not in `but` too."""
    tasks = [task for name, ring in rings.items() if ring is not but.get(name) for task in ring.tasks]
    for task in tasks:
        task.cancel()
    return tasks


def _origin(provider: Provider) -> tuple[object, ...]:
    """What a provider's keys follow from; a text that is read again is not part of it."""
    keys = tuple((key.source, key.renewal, None if key.renewal else key.secret) for key in provider.keys)
    return provider.base_url, provider.token_url, provider.proxy, provider.ca_file, keys


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


def _unforeseen(error: Exception) -> str:
    return f"internal error: {type(error).__name__}; please report it"
