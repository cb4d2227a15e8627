"""A laboratory for looks at providers: an engine that a test scripts, and a loop whose time jumps, so that minutes of
looks take no time."""

import asyncio
from contextlib import asynccontextmanager

from proxy.config.hidden import Secret
from proxy.config.values import (
    BreakerSettings,
    HealthSettings,
    Provider,
    ProviderKey,
    RetrySettings,
    Target,
    TimeoutSettings,
)
from proxy.resilience.targets import Registry
from proxy.upstream.probes import Probes, World
from proxy.upstream.seam import Cut
from tests.virtual import VirtualClock, played
from translators.ir import Dialect
from translators.profile import Profile

KEY = ProviderKey("env:K", Secret("canary"))
EVERY = 10.0


def provider(name="alpha", *, every=EVERY, dialect=Dialect.OPENAI_CHAT, **more):
    health = HealthSettings(active=True, interval_s=every)
    return Provider(name, dialect, f"https://{name}.test/v1", **({"keys": (KEY,), "health": health} | more))


class Answer:
    def __init__(self, status, headers=()):
        self.status, self.headers, self.closed = status, list(headers), False

    async def read(self, limit):
        raise Cut("longer than anybody reads")

    async def close(self):
        self.closed = True


class Lab:
    """An engine that answers as `says`: a status, an Answer, an error to raise, or "silence"."""

    def __init__(self):
        self.clock = VirtualClock()
        self.began = self.clock.now()
        self.says = 200
        self.calls, self.given, self.changes, self.counted, self.failures = [], [], [], [], []
        self.under_way = self.most = self.cancelled = 0
        self.registry = Registry(lambda: 0.0, b"k")
        world = World(
            self.engine, self.secret, self.registry.at, self.clock,
            lambda *labels: self.counted.append(labels), lambda *change: self.changes.append(change),
            lambda error: self.failures.append(type(error)),
        )  # fmt: skip
        self.it = Probes(world)

    def engine(self, _):
        return self

    def secret(self, provider):
        key = self.registry.keys(provider).choose(self.clock.now())
        return key.secret if key else None

    async def send(self, call):
        self.calls.append((self.clock.now() - self.began, call))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.says == "silence":
                await self.clock.sleep(10_000)
            if isinstance(self.says, Exception):
                raise self.says
            self.given.append(self.says if isinstance(self.says, Answer) else Answer(self.says))
            return self.given[-1]
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1

    def target(self, provider, model="m"):
        found = Target(provider, model, Profile(), BreakerSettings(), RetrySettings(), TimeoutSettings())
        return self.registry.target(found, self.clock.now())

    def opened(self, provider, model="m"):
        state = self.target(provider, model)
        state.breaker.trip(self.clock.now())
        return state

    def told(self, name="alpha"):
        return self.it.told(self.clock.now())[name]

    async def passes(self, seconds):
        await self.clock.sleep(seconds)


def lab(story):
    """A test that is played in a loop of its own, whose time passes only while there is nothing to do."""

    def test():
        async def main():
            async with open_lab() as made:
                await story(made)

        played(main())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


@asynccontextmanager
async def open_lab():
    made = Lab()
    try:
        yield made
    finally:
        await made.it.close()
        assert len(asyncio.all_tasks()) == 1, "nothing is left behind"
