"""The proxy as it is served, and scripted providers of every dialect, on real sockets in virtual time
(`tests.virtual`): a wait is exact however busy the machine, and takes a millisecond. Times are short because the proxy
beats once a second. What a test owns (a registry to forget, a breaker to be brought into a state) it takes hold of
inside the process; whatever a client sees goes over sockets.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from proxy.app import App, build
from proxy.config.hidden import Secret
from proxy.config.profiles import vendors
from proxy.config.values import (
    BreakerSettings,
    Config,
    ModelRoute,
    Provider,
    ProviderKey,
    RetrySettings,
    ServerSettings,
    Step,
    TimeoutSettings,
)
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok
from proxy.resilience.breaker import Breaker
from proxy.server import serving
from tests import virtual
from tests.faults.asking import STORY, Seen, ask
from tests.faults.expected import Expected, expected
from tests.faults.rows import ROWS
from translators.ir import Dialect

vendors()  # read before a loop runs, as a start does

MODELS = {
    "chat": (Dialect.OPENAI_CHAT, "", "demo-large"),
    "responses": (Dialect.OPENAI_RESPONSES, "openai", "gpt-6-sol"),
    "messages": (Dialect.ANTHROPIC_MESSAGES, "anthropic", "claude-opus-4-8"),
    "gemini": (Dialect.GEMINI, "gemini", "gemini-3.6-flash"),
}
"""Per provider's dialect, by which the provider is named: its vendor, and a model of it."""
SECOND = "second"
NATIVE = {("chat", "chat"), ("responses", "responses"), ("messages", "messages")}
"""Client's and provider's dialect, where nothing is translated."""
BREAKER = BreakerSettings(open_s=10, ramp_s=100, ramp_min=0.5)
RETRY = RetrySettings(base_s=0.05)
TIMES = TimeoutSettings(
    connect_s=1, progress_s=1, progress_unary_s=2, first_token_reasoning_s=3, idle_s=2, deadline_s=60
)
SETTLE_S = 5.0
GRACE_S = 0.5
"""For a body to end whose stream has said its end."""


class Cell(NamedTuple):
    fault: str
    client: str
    provider: str
    stream: bool
    state: str
    alone: bool

    @property
    def model(self) -> str:
        """What the client asks for."""
        return self.provider if self.alone else f"{self.provider} and {SECOND}"

    @property
    def wanted(self) -> Expected:
        what = ROWS[self.fault].what(self.provider, stream=self.stream)
        translated = (self.client, self.provider) not in NATIVE
        wanted = expected(what, self.state, alone=self.alone, translated=translated)
        if self.client == "messages" and wanted.code == "overloaded":
            return wanted._replace(status=529)  # Anthropic's own number for it
        return wanted

    def __str__(self) -> str:
        kind, chain = "stream" if self.stream else "unary", "alone" if self.alone else "of two"
        return f"{self.fault}: {self.client} client, {self.provider} provider {chain}, {kind}, {self.state}"


class Held(NamedTuple):
    """What the process holds when nothing is under way."""

    tasks: int
    files: int
    """But for both ends of the connections to providers that are kept for the next call."""
    exchanges: int

    def beyond(self, before: "Held") -> dict[str, int]:
        """What is more than it was. Less is no matter: another test's leftovers may go meanwhile."""
        more = {name: now - then for name, now, then in zip(self._fields, self, before, strict=True)}
        return {name: count for name, count in more.items() if count > 0}


class World:
    def __init__(self, url: str, app: App, providers: dict[str, ScriptedProvider], clock: virtual.VirtualClock) -> None:
        self.url = url
        self.app = app
        self.providers = providers
        self.clock = clock

    async def leaving(self, cell: Cell) -> tuple[int, str]:
        """A client that leaves a moment after it asked, before silence says anything of a provider: how many calls its
        provider sees given up, and the breaker's state afterwards."""
        self.forget()
        first = self.providers[cell.provider]
        breaker = self.breaker(cell.provider)
        await self.into(breaker, cell.state)
        first.script = ROWS[cell.fault].script
        given_up = first.cancelled
        with suppress(TimeoutError):
            await ask(
                self.url, cell.client, cell.model, stream=cell.stream, headers={}, clock=self.clock, timeout_s=0.25
            )
        await self.clock.sleep(0.1)
        assert not self.calls()
        return first.cancelled - given_up, breaker.state(self.clock.now()).name

    async def wrong(self, cell: Cell) -> str:
        """Plays a cell; what is not as expected, empty where all is."""
        self.forget()
        first, wanted = self.providers[cell.provider], cell.wanted
        breaker = self.breaker(cell.provider)
        await self.into(breaker, cell.state)
        first.script = ROWS[cell.fault].script
        calls = first.request_count
        seen = await ask(self.url, cell.client, cell.model, stream=cell.stream, headers={}, clock=self.clock)
        if seen.view == "told":
            await self.clock.sleep(0)  # what was told first is counted a moment later
        after = breaker.state(self.clock.now()).name
        wrong = [*differences(seen, wanted, cell.provider), *self._text(seen, wanted, cell)]
        if after != wanted.breaker:
            wrong.append(f"the breaker is {after}, not {wanted.breaker}")
        made = wanted.kinds if wanted.by != "second" else wanted.kinds[:-1]
        if ROWS[cell.fault].script.refusing:
            made = ()
        if first.request_count - calls != len(made):
            wrong.append(f"{first.request_count - calls} upstream calls, not {len(made)}")
        if self.calls():
            await self.clock.sleep(GRACE_S)
            if self.calls():
                wrong.append("a call or a key is still in use")
        return "; ".join(wrong)

    def _text(self, seen: Seen, wanted: Expected, cell: Cell) -> list[str]:
        by = cell.provider if wanted.by == "first" else SECOND
        whole = f"demo answer from {by}: {STORY}"
        right = {"whole": seen.text == whole, "told": whole.startswith(seen.text)}
        if cell.fault in LONGER and wanted.by == "first":
            right = {"whole": whole in seen.text, "told": True}
        return [] if right.get(wanted.view, seen.text == "") else [f"the text is {seen.text[:80]!r}"]

    def forget(self) -> None:
        """Nothing is known of any target; providers are well."""
        registry = self.app._registry
        registry._targets.clear()
        registry._pools.clear()
        for one in self.providers.values():
            if one.script is not OK:
                one.script = OK
            one.requests.clear()

    def breaker(self, provider: str) -> Breaker:
        """Of the provider's target, as it will be asked."""
        router = self.app._serving.router
        (target,) = router.chat(provider).targets
        return self.app._registry.target(target, self.clock.now()).breaker

    async def into(self, breaker: Breaker, state: str) -> None:
        """Brings a fresh breaker into a state, by what it is told."""
        if state == "closed":
            return
        for _ in range(4 if state == "worn" else 5):
            breaker.settle(self._permit(breaker), "fail", self.clock.now())
        if state in ("worn", "open"):
            return
        await self.clock.sleep(breaker.next_admit(self.clock.now()) - self.clock.now() + 0.001)
        if state == "probe":
            return
        for _ in range(2):
            permit = self._permit(breaker)
            breaker.commit(permit, self.clock.now())
            breaker.settle(permit, "success", self.clock.now())
        if state == "ramp":
            assert breaker.admit(self.clock.now(), 1.0) is None, "half its share: the next one"

    def _permit(self, breaker: Breaker):
        permit = breaker.admit(self.clock.now(), 1.0)
        assert permit is not None
        return permit

    def calls(self) -> int:
        """Under way at targets, and with keys."""
        registry, now = self.app._registry, self.clock.now()
        keys = [key for pool in registry.pools().values() for key in pool.snapshot(now)]
        return sum(one.in_flight for one in (*registry.targets(), *keys))

    def held(self) -> Held:
        admission = self.app._admission
        kept = sum(one.open_connections for one in self.providers.values())
        exchanges = admission._places - admission.free + len(admission._waiting)
        files = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
        return Held(len(asyncio.all_tasks()), files - 2 * kept, exchanges)

    async def settled(self) -> Held:
        """The same some seconds later, when all providers listen."""
        self.forget()
        await self.clock.sleep(SETTLE_S)
        return self.held()


class Unread(io.RawIOBase):
    """A log that nobody keeps."""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        return len(data)


OK = ok()
LONGER = {"finish twice"}


def differences(seen: Seen, wanted: Expected, provider: str) -> list[str]:
    by = {"first": provider, "second": SECOND}.get(wanted.by, "")
    found = [
        ("view", seen.view, wanted.view),
        ("status", seen.status, wanted.status),
        ("served by", seen.by, by),
        ("attempts", seen.kinds, wanted.kinds),
    ]
    if wanted.code is not None:
        found.append(("code", seen.code, wanted.code))
    if wanted.view == "told":
        found.append(("code", seen.code, "stream_cut"))
    return [f"{name} is {one!r}, not {other!r}" for name, one, other in found if one != other]


def config(providers: dict[str, ScriptedProvider], engine: str) -> Config:
    blocks = {
        name: Provider(
            name,
            one.dialect,
            one.base_url,
            keys=(ProviderKey("env:KEY", Secret(f"sk-{name}-canary")),),
            vendor=MODELS[name][1] if name in MODELS else "",
            breaker=BREAKER,
            retry=RETRY,
            timeouts=TIMES,
        )
        for name, one in providers.items()
    }
    routes = {}
    for name, (_, _, model) in MODELS.items():
        routes[name] = ModelRoute(name, (Step(name, model),))
        chain = f"{name} and {SECOND}"
        routes[chain] = ModelRoute(chain, (Step(name, model), Step(SECOND, "demo-large")))
    here = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", engine=engine, refresh_capabilities=False)
    return Config(blocks, routes, server=here)


@asynccontextmanager
async def a_world(engine: str) -> AsyncIterator[World]:
    clock = virtual.VirtualClock()
    dialects = {name: dialect for name, (dialect, _, _) in MODELS.items()} | {SECOND: Dialect.OPENAI_CHAT}
    async with AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(ScriptedProvider(name, dialect, OK, heard=9))
            for name, dialect in dialects.items()
        }
        served = serving(config(providers, engine), partial(build, log=Unread()), clock=clock)
        running = await stack.enter_async_context(served)
        yield World(running.data_url + "/v1", running.app, providers, clock)
