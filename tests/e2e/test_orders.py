"""Orders of a real proxy over scripted providers: who serves, and who serves when that one is slow or down.

Time is the loop's own (`tests.virtual`): minutes of traffic pass in seconds.
"""

import asyncio
import io
import random  # noqa: TID251 - by its seed, the same each time
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial

import httpx2
import pytest

from proxy.app import build
from proxy.config.orders import Free, Ordering
from proxy.config.profiles import vendors
from proxy.config.values import BreakerSettings, Config, EmbeddingRoute, ModelRoute, Provider, ServerSettings, Step
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok, status
from proxy.server import serving
from tests import virtual
from translators.ir import Dialect

vendors()  # read before a loop runs, as a start does

HELLO = [{"role": "user", "content": "hello"}]
QUICK = BreakerSettings(open_s=20, ramp_s=5)


class Clock(virtual.VirtualClock):
    """Chance is up to `most`: a small one explores often, so that little traffic is enough to see it."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self._draw = random.Random(7).random
        self._most = most

    def uniform(self) -> float:
        return self._most * self._draw()


class World:
    def __init__(self, clock, client, providers) -> None:
        self.clock = clock
        self.client = client
        self.alpha, self.beta = providers

    async def ask(self, model, **more):
        """Who served."""
        body = {"model": model, "messages": HELLO} | more
        async with self.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            await answer.aread()
            assert answer.status_code == 200
            return answer.headers["x-sidestep-provider"]

    async def served(self, model, count, every_s=0.0, **more):
        """Who served so many requests, one after the other."""
        found = []
        for _ in range(count):
            found.append(await self.ask(model, **more))
            await self.clock.sleep(every_s)
        return found


@asynccontextmanager
async def world(chance=1.0, **orderings):
    clock = Clock(chance)
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, heard=0) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, heard=0) as beta,
    ):
        providers = {one.name: Provider(one.name, one.dialect, one.base_url, breaker=QUICK) for one in (alpha, beta)}
        chain = (Step("alpha", "large"), Step("beta", "claude"))
        models = {name: ModelRoute(name, chain, ordering=ordering) for name, ordering in orderings.items()}
        here = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0")
        config = Config(providers, models, server=here)
        async with (
            serving(config, partial(build, log=io.BytesIO()), clock=clock) as running,
            httpx2.AsyncClient(base_url=running.data_url, timeout=None, trust_env=False) as client,
        ):
            yield World(clock, client, (alpha, beta))


def part(found, name):
    return found.count(name) / len(found)


async def weights():
    async with world(m=Ordering("weighted", {"alpha/large": 1, "beta/claude": 3})) as one:
        return await one.served("m", 400)


def test_each_target_serves_its_share():
    assert part(virtual.played(weights()), "beta") == pytest.approx(0.75, abs=0.05)


async def latency():
    async with world(0.2, m=Ordering("latency")) as one:
        one.alpha.script, one.beta.script = ok(first_s=0.2), ok(first_s=0.6)
        found = [await one.served("m", 40, 2.0, stream=True)]
        one.alpha.script = ok(first_s=3.0)
        await one.served("m", 10, 2.0, stream=True)
        found.append(await one.served("m", 40, 2.0, stream=True))
        one.alpha.script = ok(first_s=0.2)
        await one.served("m", 160, 2.0, stream=True)
        return [*found, await one.served("m", 40, 2.0, stream=True)]


def test_requests_leave_a_target_that_becomes_slow_and_come_back_when_it_is_quick_again():
    before, slow, after = virtual.played(latency())
    assert part(before, "alpha") > 0.8
    assert part(slow, "beta") > 0.8
    assert part(after, "alpha") > 0.8


async def staying():
    async with world(m=Ordering(affinity="user")) as one:
        users = [f"user-{number}" for number in range(24)]
        home = {user: await one.ask("m", user=user) for user in users}
        again = {user: set(await one.served("m", 3, user=user)) for user in users}
        one.alpha.script = status(503)
        during = {user: await one.ask("m", user=user) for user in users}
        one.alpha.script = ok()
        await one.clock.sleep(60)
        await one.served("m", 30, 1.0, user=next(user for user in users if home[user] == "alpha"))
        return home, again, during, {user: await one.ask("m", user=user) for user in users}


def test_a_user_stays_at_one_target_until_its_breaker_opens_and_then_returns():
    home, again, during, after = virtual.played(staying())
    assert min(Counter(home.values()).values()) >= 6
    assert again == {user: {name} for user, name in home.items()}
    assert set(during.values()) == {"beta"}
    assert after == home


async def others():
    free = {"beta/claude": Free(requests_per_minute=5)}
    async with world(free=Ordering("free_first", free=free), busy=Ordering("least_busy")) as one:
        await one.clock.sleep(60 - one.clock.wall() % 60)
        spent = await one.served("free", 8)
        await one.clock.sleep(60)
        spent += await one.served("free", 1)
        one.alpha.script = one.beta.script = ok(first_s=5)
        return spent, await asyncio.gather(*(one.ask("busy") for _ in range(40)))


def test_what_is_free_is_used_up_first_and_calls_at_once_are_spread():
    spent, busy = virtual.played(others())
    assert spent == ["beta"] * 5 + ["alpha"] * 3 + ["beta"]
    assert part(busy, "alpha") == pytest.approx(0.5, abs=0.1)


async def vectors():
    clock = virtual.VirtualClock()
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, heard=0) as alpha,
        ScriptedProvider("beta", Dialect.OPENAI_CHAT, heard=0) as beta,
    ):
        providers = {one.name: Provider(one.name, one.dialect, one.base_url) for one in (alpha, beta)}
        route = EmbeddingRoute(
            "docs", (Step("alpha", "e3"), Step("beta", "e3")), ordering=Ordering("weighted", {"alpha/e3": 0})
        )
        config = Config(
            providers, {}, {"docs": route}, server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0")
        )
        async with (
            serving(config, partial(build, log=io.BytesIO()), clock=clock) as running,
            httpx2.AsyncClient(base_url=running.data_url, timeout=None, trust_env=False) as client,
        ):
            body = {"model": "docs", "input": "hello"}
            answers = [await client.post("/v1/embeddings", json=body) for _ in range(3)]
            return [answer.headers["x-sidestep-provider"] for answer in answers]


def test_vectors_are_asked_for_in_the_order_of_their_entry():
    assert virtual.played(vectors()) == ["beta"] * 3
