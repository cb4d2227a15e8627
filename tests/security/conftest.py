"""A whole proxy before scripted providers of every dialect, with a client that has a key."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from msgspec import structs

from proxy.app import build
from proxy.config.hidden import Secret
from proxy.config.values import Client, Config, EmbeddingRoute, ModelRoute, Provider, ProviderKey, Step
from proxy.config.values import ServerSettings as Server
from proxy.drill.load import Answered, once
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from translators.ir import Dialect

CLIENT_KEY = "sk-app-9b1c7d44e0a25f36"
DIALECTS = {
    "chat": Dialect.OPENAI_CHAT,
    "responses": Dialect.OPENAI_RESPONSES,
    "messages": Dialect.ANTHROPIC_MESSAGES,
    "gemini": Dialect.GEMINI,
}


@dataclass
class Guarded:
    url: str
    """Without `/v1`."""
    providers: dict[str, ScriptedProvider]
    log: BytesIO

    async def ask(self, path: str, body: Any = None, **headers: str) -> Answered:
        """With the client's key, unless `authorization` says otherwise."""
        told = {"authorization": f"Bearer {CLIENT_KEY}", "anthropic-version": "2023-06-01"}
        return await once(self.url, path, body, told | {name.replace("_", "-"): text for name, text in headers.items()})

    @property
    def heard(self) -> list[Any]:
        """What the providers were asked, by all of them."""
        return [one for provider in self.providers.values() for one in provider.requests]


def _config(providers: dict[str, ScriptedProvider]) -> Config:
    keys = {name: (ProviderKey("env:KEY", Secret(f"sk-{name}-canary")),) for name in providers}
    return Config(
        {name: Provider(name, one.dialect, one.base_url, keys=keys[name]) for name, one in providers.items()},
        {
            **{name: ModelRoute(name, (Step(name, "large"),)) for name in providers},
            "*": ModelRoute("*", tuple(Step(name, "*") for name in providers)),
        },
        embeddings={"vectors": EmbeddingRoute("vectors", (Step("chat", "embed"),))},
        clients={"app": Client("app", (sha256(CLIENT_KEY.encode()).hexdigest(),))},
        server=Server(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.1),
    )


@asynccontextmanager
async def _guarded(**changes: Any) -> AsyncIterator[Guarded]:
    """With `changes` of its configuration."""
    log = BytesIO()
    async with AsyncExitStack() as stack:
        providers = {
            name: await stack.enter_async_context(ScriptedProvider(name, dialect)) for name, dialect in DIALECTS.items()
        }
        running = await stack.enter_async_context(
            serving(structs.replace(_config(providers), **changes), lambda config, clock: build(config, clock, log))
        )
        yield Guarded(running.data_url, providers, log)


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    async with _guarded() as made:
        yield made


@pytest.fixture
def guarded_with() -> Any:
    return _guarded
