"""The story of `sidestep demo`: two scripted providers, a mixed load, and a primary that fails in four ways.

alpha (OpenAI dialect) is the primary, beta (Anthropic dialect) stands in for its chat, gamma (OpenAI dialect, the same
vectors) for its embeddings. Breakers open and recover within seconds, so that each fault is met again by a probe and
the whole story takes about half a minute. One row is printed for each answer, in the order they end. The added latency
is what the client waited longer than it does when it asks alpha without the proxy.
"""

import asyncio
import itertools
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

import orjson

from proxy.clock import Clock
from proxy.config.hidden import Secret
from proxy.config.values import (
    BreakerSettings,
    Config,
    EmbeddingRoute,
    ModelRoute,
    Provider,
    ProviderKey,
    RetrySettings,
    ServerSettings,
    Step,
    TimeoutSettings,
)
from proxy.drill.embedding import DIMENSIONS
from proxy.drill.keyless import STAND_IN_MODEL
from proxy.drill.load import CLOCK, EMBED_MODEL, KINDS, MODEL, Broken, Kind, Result, ask, once
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import Script, cut_before_commit, ok, overloaded_event, silence, status
from proxy.telemetry.names import ATTEMPTS
from translators.ir import Dialect

if TYPE_CHECKING:
    from proxy.drill.sdk import SdkClient

StartProxy = Callable[[Config], AbstractAsyncContextManager[tuple[str, str]]]
"""Starts a proxy on free ports and gives the URLs of its data and admin listeners, without a path."""
Ask = Callable[[Kind], Awaitable[Result]]

PHASES: tuple[tuple[str, Script], ...] = (
    ("all providers are well", ok()),
    ("alpha answers 503", status(503)),
    ("alpha falls silent", silence()),
    ("alpha says overloaded inside a 200 stream", overloaded_event()),
    ("alpha cuts its answers before the first token", cut_before_commit()),
    ("alpha is well again", ok()),
)
MIX: tuple[Kind, ...] = ("stream", "unary", "tools", "stream", "embeddings")
"""The order of the load. Breakers probe at about every third request: with five in a cycle, each kind gets its turn."""
_ROW = "{:>6}  {:<24}  {:<18}  {:<40}  {:>8}  {}"


def demo_config(alpha_url: str, beta_url: str, gamma_url: str) -> Config:
    """What `sidestep demo` runs with; the URLs end in `/v1`. Timeouts and breakers are short enough to be watched."""
    alpha = _provider("alpha", Dialect.OPENAI_CHAT, alpha_url)
    beta = _provider("beta", Dialect.ANTHROPIC_MESSAGES, beta_url)
    gamma = _provider("gamma", Dialect.OPENAI_CHAT, gamma_url)
    chat = (Step("alpha", MODEL), Step("beta", STAND_IN_MODEL))
    embed = (Step("alpha", EMBED_MODEL), Step("gamma", EMBED_MODEL))
    return Config(
        providers={one.name: one for one in (alpha, beta, gamma)},
        models={MODEL: ModelRoute(MODEL, chat)},
        embeddings={EMBED_MODEL: EmbeddingRoute(EMBED_MODEL, embed, dimensions=DIMENSIONS)},
        server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=1.0),
        source="demo",
        demo=True,
    )


def _provider(name: str, dialect: Dialect, url: str) -> Provider:
    return Provider(
        name=name,
        dialect=dialect,
        base_url=url,
        keys=(ProviderKey("demo", Secret("demo")),),
        breaker=BreakerSettings(consecutive_failures=3, open_s=0.4, open_max_s=0.6, ramp_s=2.0),
        retry=RetrySettings(base_s=0.05, cap_s=0.2),
        timeouts=TimeoutSettings(deadline_s=10.0, connect_s=1.0, progress_s=0.8, progress_unary_s=0.8, idle_s=2.0),
        profile={"max_output": 4096},
        demo=True,
    )


@dataclass(slots=True)
class Tally:
    """What the client saw in all."""

    served: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    failovers: int = 0
    added_ms: list[float] = field(default_factory=list)

    def add(self, result: Result, added_ms: float) -> None:
        if not result.ok:
            self.errors.append(result.error)
            return
        self.served[result.served_by or "unknown"] += 1
        self.failovers += len(attempts(result)) > 1
        self.added_ms.append(added_ms)

    def summary(self) -> list[str]:
        count = self.served.total() + len(self.errors)
        by = ", ".join(f"{name} {number}" for name, number in self.served.most_common())
        lines = [f"{count} requests, {self.failovers} of them failed over, {len(self.errors)} errors. Served by {by}."]
        if self.added_ms:
            slowest = max(self.added_ms)
            lines.append(f"Added latency: {statistics.median(self.added_ms):.1f} ms median, {slowest:.0f} ms at most.")
        return lines + [f"error: {error} (seen {times} times)" for error, times in Counter(self.errors).items()]


def attempts(result: Result) -> list[list[str]]:
    """The attempts the answer's header tells, each as target, kind, status, milliseconds."""
    told = result.headers.get(ATTEMPTS, "")
    return [one.strip().split(";") for one in told.split(",") if one.count(";") == 3]


def answer_s(result: Result) -> float:
    """Seconds until the answer; of a stream, until its first token."""
    return result.seconds if result.first_token_s is None else result.first_token_s


async def usual_s(ask: Ask) -> dict[Kind, float]:
    """What an answer of each kind takes a client, by the median of five: what is not the proxy's doing."""
    return {kind: statistics.median([answer_s(await ask(kind)) for _ in range(5)]) for kind in KINDS}


def row(at: float, kind: Kind, result: Result, added_ms: float, breaker: str) -> str:
    """One line of the table; `at` is seconds since the start."""
    asked = f"{EMBED_MODEL if kind == 'embeddings' else MODEL} ({kind})"
    if not result.ok:
        return _ROW.format(f"{at:.1f}s", asked, "ERROR", result.error[:200], "", breaker)
    tried = " > ".join(_grouped(f"{one[0].split('/')[0]} {one[1]}" for one in attempts(result)))
    return _ROW.format(f"{at:.1f}s", asked, result.served_by or "unknown", tried, f"{added_ms:.1f} ms", breaker)


def _grouped(names: Iterable[str]) -> Iterator[str]:
    """Each name, with its number where it stands several times in a row."""
    for name, run in itertools.groupby(names):
        times = len(list(run))
        yield name if times == 1 else f"{name} x{times}"


async def breaker_state(admin_url: str, target: str) -> str:
    """The state of `target`'s breaker by the admin listener; `-` where it does not say."""
    try:
        state = orjson.loads((await once(admin_url, "/state")).body)
        return next((str(one["breaker"]["state"]) for one in state["targets"] if one["target"] == target), "-")
    except (OSError, Broken, ValueError, KeyError, TypeError):
        return "-"


class _Show:
    """Sends the load and prints what comes of it."""

    def __init__(self, ask: Ask, usual: Mapping[Kind, float], admin_url: str, out: TextIO, clock: Clock) -> None:
        self.tally = Tally()
        self._ask = ask
        self._usual = usual
        self._admin_url = admin_url
        self._out = out
        self._clock = clock
        self._started = clock.now()

    def say(self, line: str) -> None:
        print(line, file=self._out, flush=True)

    async def play(self, alpha: ScriptedProvider, rate: float, seconds_per_phase: float) -> None:
        """All phases, `rate` requests a second, each sent whatever became of the ones before."""
        kinds = itertools.cycle(MIX)
        async with asyncio.TaskGroup() as load:
            for title, script in PHASES:
                alpha.script = script
                self.say(f"-- {title}")
                until = self._clock.now() + seconds_per_phase
                while self._clock.now() < until:
                    load.create_task(self._one(next(kinds)))
                    await self._clock.sleep(1 / rate)

    async def _one(self, kind: Kind) -> None:
        at = self._clock.now() - self._started
        result = await self._ask(kind)
        added_ms = max(0.0, answer_s(result) - self._usual[kind]) * 1000
        self.tally.add(result, added_ms)
        breaker = await breaker_state(self._admin_url, f"alpha/{EMBED_MODEL if kind == 'embeddings' else MODEL}")
        self.say(row(at, kind, result, added_ms, breaker))


async def run(
    start_proxy: StartProxy,
    out: TextIO,
    *,
    rate: float = 5.0,
    seconds_per_phase: float = 4.5,
    sdk: bool = True,
    clock: Clock = CLOCK,
) -> int:
    """Plays the story; 0 if the client saw answers and not one error, else 1. `sdk`: through the openai SDK if it is
    installed."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, model=STAND_IN_MODEL) as beta,
        ScriptedProvider("gamma", Dialect.OPENAI_CHAT) as gamma,
        start_proxy(demo_config(alpha.base_url, beta.base_url, gamma.base_url)) as (data_url, admin_url),
        _client(alpha.base_url, sdk=sdk) as (_, ask_alpha),
        _client(f"{data_url}/v1", sdk=sdk) as (client, ask),
    ):
        show = _Show(ask, await usual_s(ask_alpha), admin_url, out, clock)
        show.say(
            f"Client: {client}, base URL {data_url}/v1. Primary: alpha; beta stands in for chat, gamma for embeddings."
        )
        show.say(_ROW.format("time", "asked for", "served by", "attempts", "added", "breaker of alpha"))
        await show.play(alpha, rate, seconds_per_phase)
        for line in show.tally.summary():
            show.say(line)
    return 0 if show.tally.served and not show.tally.errors else 1


@asynccontextmanager
async def _client(base_url: str, *, sdk: bool) -> AsyncIterator[tuple[str, Ask]]:
    """A client's name and how to ask it."""
    sdk_client = _sdk_client(base_url) if sdk else None
    if sdk_client is None:
        yield "Sidestep's own", lambda kind: ask(base_url, kind)
        return
    async with aclosing(sdk_client):
        yield "the openai SDK", sdk_client.ask


def _sdk_client(base_url: str) -> "SdkClient | None":
    try:
        from proxy.drill.sdk import SdkClient  # noqa: PLC0415 - slow to import, and the SDK may be absent
    except ImportError:
        return None
    return SdkClient(base_url)
