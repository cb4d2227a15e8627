"""Serving without any key: two scripted providers on loopback, so that curl works within a minute of cloning.

Only ever on request (`sidestep serve --demo-without-keys`): a deployment that lost its keys must fail, not chat. Each
free text begins with a note that it is scripted; JSON asked for by schema stays the JSON that was asked for.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.config.hidden import Secret
from proxy.config.values import Config, EmbeddingRoute, ModelRoute, Provider, ProviderKey, Step
from proxy.drill.embedding import DIMENSIONS
from proxy.drill.load import EMBED_MODEL, MODEL
from proxy.drill.provider import ScriptedProvider
from translators.ir import Dialect

STAND_IN_MODEL = "demo-claude"
NOTE = "[This is a scripted demo answer. Set OPENAI_API_KEY or ANTHROPIC_API_KEY for real ones.] "


@asynccontextmanager
async def embedded_demo() -> AsyncIterator[Config]:
    """The configuration that serves every model by alpha (OpenAI dialect) and beta (Anthropic dialect), which run while
    it is open."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, note=NOTE, heard=0) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, model=STAND_IN_MODEL, note=NOTE, heard=0) as beta,
    ):
        yield Config(
            providers={one.name: _provider(one) for one in (alpha, beta)},
            models={"*": ModelRoute("*", (Step("alpha", MODEL), Step("beta", STAND_IN_MODEL)))},
            embeddings={EMBED_MODEL: EmbeddingRoute(EMBED_MODEL, (Step("alpha", EMBED_MODEL),), DIMENSIONS)},
            source="demo",
            demo=True,
        )


def _provider(scripted: ScriptedProvider) -> Provider:
    return Provider(
        name=scripted.name,
        default_model=MODEL if scripted.dialect is Dialect.OPENAI_CHAT else STAND_IN_MODEL,
        dialect=scripted.dialect,
        base_url=scripted.base_url,
        keys=(ProviderKey("demo", Secret("demo")),),
        profile={"max_output": 4096},
        demo=True,
    )
