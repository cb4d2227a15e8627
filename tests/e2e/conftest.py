"""A real proxy between real SDKs and scripted providers, all on real sockets of this machine.

One world for the whole session: alpha speaks OpenAI's dialect and is the primary, beta speaks Anthropic's, gamma serves
embeddings beside alpha. Times are short and breakers patient, so that each test scripts the providers as it likes.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anthropic
import openai
import pytest

from proxy.app import App, build
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
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok
from proxy.server import serving
from translators.ir import Dialect

PATIENT = BreakerSettings(consecutive_failures=1_000_000)
QUICK = RetrySettings(base_s=0.001, cap_s=0.002, budget_min_per_s=10_000)
SHORT = TimeoutSettings(
    connect_s=5, progress_s=1.5, progress_unary_s=1.5, first_token_reasoning_s=1.5, idle_s=1.5, deadline_s=60
)
"""Short enough for tests of silence, and long beside whatever holds up the loop that all sides share once the SDKs have
been warmed up."""
DIALECTS = {"alpha": Dialect.OPENAI_CHAT, "beta": Dialect.ANTHROPIC_MESSAGES, "gamma": Dialect.OPENAI_CHAT}


@dataclass
class World:
    """The proxy's addresses and the providers behind it."""

    url: str
    """Base URL for an SDK, `/v1` included."""
    admin: str
    alpha: ScriptedProvider
    beta: ScriptedProvider
    gamma: ScriptedProvider
    app: App
    others: tuple[ScriptedProvider, ...] = ()
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def providers(self) -> tuple[ScriptedProvider, ...]:
        return (self.alpha, self.beta, self.gamma, *self.others)

    def named(self, name: str) -> ScriptedProvider:
        return next(one for one in self.providers if one.name == name)

    def reset(self) -> None:
        """Providers answer well again, and the proxy has forgotten what it knew of them."""
        self.app._registry._targets.clear()
        self.app._registry._pools.clear()
        for one in self.providers:
            one.script = ok()
            one.requests.clear()
            one.refused = 0
            self.counted[one.name] = one.request_count

    def calls(self) -> dict[str, int]:
        """Upstream calls since the last reset."""
        return {one.name: one.request_count - self.counted[one.name] for one in self.providers}


def secret_of(name: str) -> str:
    return f"sk-{name}-canary-7f3a"


def provider_of(scripted: ScriptedProvider, **more) -> Provider:
    key = ProviderKey("env:KEY", Secret(secret_of(scripted.name)))
    settings = {"breaker": PATIENT, "retry": QUICK, "timeouts": SHORT, "keys": (key,)} | more
    return Provider(scripted.name, scripted.dialect, scripted.base_url, **settings)


def steps(*names: str) -> tuple[Step, ...]:
    return tuple(Step(*name.split("/", 1)) for name in names)


def world_config(*scripted: ScriptedProvider, **more) -> Config:
    settings = {
        "models": {
            "duo": ModelRoute("duo", steps("alpha/demo-large", "beta/demo-claude")),
            "claude": ModelRoute("claude", steps("beta/demo-claude")),
            "claude-first": ModelRoute("claude-first", steps("beta/demo-claude", "alpha/demo-large")),
            "solo": ModelRoute("solo", steps("alpha/demo-large")),
        },
        "embeddings": {"vectors": EmbeddingRoute("vectors", steps("alpha/demo-embed", "gamma/demo-embed"))},
        "server": ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.2),
        "timeouts": SHORT,
    }
    providers = {one.name: one if isinstance(one, Provider) else provider_of(one) for one in scripted}
    return Config(providers, **(settings | more))


@asynccontextmanager
async def a_world(configure: Callable[..., Config] = world_config, **others: Dialect) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        dialects = DIALECTS | others
        providers = [
            await stack.enter_async_context(ScriptedProvider(name, dialect)) for name, dialect in dialects.items()
        ]
        running = await stack.enter_async_context(serving(configure(*providers), build))
        made = World(running.data_url + "/v1", running.admin_url, *providers[:3], running.app, tuple(providers[3:]))
        made.reset()
        yield made


@pytest.fixture(scope="session")
def make_world():
    """`async with make_world(configure, delta=Dialect.GEMINI)`: a world of the test's own, with more providers beside
    the three; `configure` gets them all, in order."""
    return a_world


@pytest.fixture(scope="session")
def configured():
    """`configured(*providers, **fields)`: the shared world's configuration with some fields changed."""
    return world_config


@pytest.fixture(scope="session")
def provider():
    """`provider(scripted, **fields)`: a scripted provider's block with some fields changed."""
    return provider_of


@pytest.fixture(scope="session", autouse=True)
async def _warm(anyio_backend: object) -> None:
    """Every SDK has been used once in every way: it builds its models at first use, which on a busy machine holds up
    the loop for longer than a provider may be silent. The backend is named so that a test that is not async may be the
    first one."""

    def patient(*scripted: ScriptedProvider) -> Config:
        times = TimeoutSettings()
        return world_config(*(provider_of(one, timeouts=times) for one in scripted), timeouts=times)

    asked = {"model": "duo", "messages": [{"role": "user", "content": "hello"}]}
    async with (
        a_world(patient) as made,
        openai.AsyncOpenAI(base_url=made.url, api_key="k", max_retries=0) as chat,
        anthropic.AsyncAnthropic(base_url=made.url.removesuffix("/v1"), api_key="k", max_retries=0) as messages,
    ):
        for stream in (False, True):
            for answer in (
                await chat.chat.completions.create(**asked, stream=stream),
                await chat.completions.create(model="duo", prompt="hello", stream=stream),
                await chat.responses.create(model="duo", input="hello", stream=stream),
                await messages.messages.create(**asked, max_tokens=9, stream=stream),
            ):
                if stream:
                    [_ async for _ in answer]
        async with (
            chat.chat.completions.stream(**asked) as whole,
            messages.messages.stream(**asked, max_tokens=9) as all_of_it,
        ):
            await whole.get_final_completion()
            await all_of_it.get_final_message()
        await chat.embeddings.create(model="vectors", input="hello")


@pytest.fixture(scope="session")
async def shared_world(_warm: None) -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


@pytest.fixture
def world(shared_world: World) -> World:
    shared_world.reset()
    return shared_world


@pytest.fixture
async def alpha():
    """A provider of the test's own, which speaks OpenAI's dialect."""
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as one:
        yield one


@pytest.fixture
async def beta():
    """Another one, which speaks Anthropic's."""
    async with ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES) as one:
        yield one
