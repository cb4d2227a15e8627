"""Looks at providers in the background, where `[health] active` asks for them: is its own list of models answered?

Every `interval_s`, a tenth more or less, it is decided anew whether a look is worth a call (`resilience.endpoint`). One
look serves all models of a provider, few are under way at once, and none takes longer than the interval. It is made as
requests are: by their connections, with their headers and one of their keys. The key's own state hears nothing of it:
what a list of models costs, and what it says of a key, is not what requests cost and say.

Whatever is answered means that the provider is there, a refused key included; only an error on its own side, silence
and a broken connection mean that it is down. What this machine lacks for a call means nothing, and neither does a look
that another configuration, or the end, has broken off.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.values import Provider
from proxy.resilience.endpoint import Occasion, occasion, tell
from proxy.resilience.targets import TargetState
from proxy.resilience.window import OK
from proxy.upstream.attempt import transport_fault
from proxy.upstream.capabilities import NO_KEY, listing_call
from proxy.upstream.hints import wait_hint
from proxy.upstream.listings import path_of
from proxy.upstream.seam import Cut, Engine, Unreachable
from translators.faults import Kind

AT_ONCE: Final = 4
LONGEST_S: Final = 10.0
"""No look takes longer, nor longer than the interval."""
SPREAD: Final = 0.1
"""Up to this part of the interval a pause is longer or shorter."""
READ: Final = 256 * 1024
"""Of a list so much is read, so that its connection can be used again."""
_UNKNOWN_METHOD: Final = 501


class World(Struct, frozen=True):
    """What looking takes."""

    engine_of: Callable[[Provider], Engine]
    secret_of: Callable[[Provider], Secret | None]
    """A key that may be used now."""
    targets_at: Callable[[Provider], list[TargetState]]
    clock: Clock
    count: Callable[[str, str], None]
    """Counts a look: provider, and `ok` or the fault's kind."""
    changed: Callable[[str, bool, str], None]
    """A provider is up or down, unlike before: its name, which, and why. That the first look finds it up is no news."""
    failed: Callable[[Exception], None]
    """A look ended in a way that nobody foresaw, and not as the one before."""


class Found(Struct, frozen=True):
    """What came of a look."""

    at: float
    up: bool | None
    """None where it could not be told."""
    why: str
    """A clause."""
    ms: float | None = None
    wait_s: float = 0.0
    """How long the provider asked to be left alone."""


class _Watch:
    """One provider that is looked at."""

    __slots__ = ("down", "engine", "found", "next_at", "occasion", "provider", "task")

    def __init__(self, provider: Provider, engine: Engine, before: "_Watch | None") -> None:
        self.provider = provider
        self.engine = engine
        same = before if before is not None and before.provider.base_url == provider.base_url else None
        self.found: Found | None = same.found if same else None
        self.down: bool = same.down if same else False
        """By the last look that could tell."""
        self.occasion: Occasion | None = None
        """Of the last decision; None: requests tell."""
        self.next_at = 0.0
        self.task: asyncio.Task[None]

    @property
    def longest_s(self) -> float:
        return min(LONGEST_S, self.provider.health.interval_s)


class Probes:
    """Looks at the providers that `follow` was told, until `close`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._watches: dict[str, _Watch] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)

    def follow(self, providers: Iterable[Provider]) -> None:
        """Looks at those of them that want it, and at no others, from now on. One that is the same in all it says, and
        is called through the same connections, goes on undisturbed; a look under way at any other is broken off."""
        before, self._watches = self._watches, {}
        for provider in providers:
            if provider.health.active:
                self._watches[provider.name] = self._watch(provider, before.get(provider.name))
        for name, watch in before.items():
            if self._watches.get(name) is not watch:
                self._end(watch.task)

    async def close(self) -> None:
        self.follow(())
        await asyncio.gather(*self._ending, return_exceptions=True)

    def told(self, now: float) -> dict[str, dict[str, Any]]:
        """By provider, for `/state`: the last look, why it was made, and when the next may be."""
        return {name: _told(watch, now) for name, watch in self._watches.items()}

    def up(self) -> Iterator[tuple[str, bool]]:
        """Whether each provider is up, for those of which looks tell now."""
        for name, watch in self._watches.items():
            if watch.occasion is not None and watch.found is not None and watch.found.up is not None:
                yield name, watch.found.up

    def _watch(self, provider: Provider, before: _Watch | None) -> _Watch:
        engine = self._world.engine_of(provider)
        if before is not None and before.provider == provider and before.engine is engine:
            return before
        watch = _Watch(provider, engine, before)
        watch.task = asyncio.create_task(self._keep(watch))
        return watch

    def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _keep(self, watch: _Watch) -> None:
        """Begins after a part of the interval by chance: a start is busy, and a fleet starts at once."""
        clock, interval = self._world.clock, watch.provider.health.interval_s
        pause = interval * clock.uniform()
        while True:
            watch.next_at = clock.now() + pause
            await clock.sleep(pause)
            try:
                asked_to_wait = await self._look(watch)
            except Exception as error:  # noqa: BLE001 - it is told, and the next look is made all the same
                asked_to_wait, why = 0.0, f"internal error: {type(error).__name__}; please report it"
                if watch.found is None or watch.found.why != why:  # each look may fail so: it is told once
                    self._world.failed(error)
                watch.found = Found(clock.now(), None, why)
            pause = max(asked_to_wait, interval * (1 - SPREAD + 2 * SPREAD * clock.uniform()))

    async def _look(self, watch: _Watch) -> float:
        """Looks if that is worth a call; gives how long the provider then asked to be left alone."""
        world, provider = self._world, watch.provider
        async with self._places:
            now = world.clock.now()
            watch.occasion = occasion(world.targets_at(provider), now, provider.health.interval_s)
            if watch.occasion is None:
                return 0.0
            found = await self._asked(watch)
        self._learn(watch, found)
        return found.wait_s

    async def _asked(self, watch: _Watch) -> Found:
        """One call. Nothing is raised but a cancellation."""
        world, provider = self._world, watch.provider
        secret = world.secret_of(provider) if provider.keys else NO_KEY
        began = world.clock.now()
        if secret is None:
            return Found(began, None, "none of its keys may be used now")
        try:
            async with asyncio.timeout(watch.longest_s):
                status, wait_s = await self._answered(watch, secret)
        except TimeoutError:
            world.count(provider.name, Kind.TIMEOUT.value)
            return Found(world.clock.now(), up=False, why=f"it said nothing within {watch.longest_s:g} s")
        except (Unreachable, Cut) as error:
            fault = transport_fault(error, 0)
            world.count(provider.name, fault.kind.value)
            return Found(world.clock.now(), None if fault.kind is Kind.SHED else False, fault.message)
        now = world.clock.now()
        up = status < 500 or status == _UNKNOWN_METHOD
        world.count(provider.name, OK if up else Kind.SERVER.value)
        return Found(now, up, f"it answered {status}", round((now - began) * 1000, 1), wait_s)

    async def _answered(self, watch: _Watch, secret: Secret) -> tuple[int, float]:
        """The answer's status, and the wait that it asks for. Raises Unreachable and Cut."""
        provider, clock = watch.provider, self._world.clock
        upstream = await watch.engine.send(listing_call(provider, path_of(provider.dialect), secret))
        try:
            with suppress(Cut):  # its head has told all there is to know
                await upstream.read(READ)
        finally:
            await upstream.close()
        return upstream.status, wait_hint(upstream.headers, upstream.status, provider.vendor, clock.wall()) or 0.0

    def _learn(self, watch: _Watch, found: Found) -> None:
        """Until the next look has ended, a provider that is down stays so."""
        world, provider = self._world, watch.provider
        watch.found = found
        if found.up is None:
            return
        until = found.at + (1 + SPREAD) * provider.health.interval_s + watch.longest_s
        tell(world.targets_at(provider), found.at, None if found.up else until)
        if found.up == watch.down:
            watch.down = not found.up
            world.changed(provider.name, found.up, found.why)


def _told(watch: _Watch, now: float) -> dict[str, Any]:
    found = watch.found
    return {
        "interval_s": watch.provider.health.interval_s,
        "asked_because": watch.occasion,
        "up": found.up if found else None,
        "why": found.why if found else None,
        "ms": found.ms if found else None,
        "ago_s": round(now - found.at, 1) if found else None,
        "next_in_s": round(max(0.0, watch.next_at - now), 1),
    }
