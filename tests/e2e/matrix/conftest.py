"""Every SDK against every dialect of provider, well and failing over: the routes that the tests here go by.

A route is a chain of one or two providers that speak different dialects. Where there are two, the first one answers
every request with a 503, so that the second one serves it. Each provider checks what it is sent as its vendor does.
"""

from dataclasses import dataclass
from itertools import permutations
from typing import Any

import anthropic
import openai
import pytest
from msgspec import structs

from proxy.config.values import EmbeddingRoute, ModelRoute, Step, TimeoutSettings
from proxy.drill import script
from translators.ir import Dialect

KNOWN = {
    "chat": ("alpha", "demo-large"),
    "responses": ("epsilon", "gpt-6-sol"),
    "messages": ("beta", "claude-opus-4-8"),
    "gemini": ("delta", "gemini-3.6-flash"),
}
"""Per dialect the provider that speaks it, and a model of its vendor."""
PAIRS = list(permutations(KNOWN, 2))
VECTORS = {
    "vectors": Step("delta", "gemini-embedding-2"),
    "vertex-vectors": Step("vertex", "gemini-embedding-2"),
    "older-vectors": Step("vertex", "text-embedding-005"),
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class Route:
    """The model to ask for, and the provider that serves it."""

    model: str
    served: str


def _steps(*dialects):
    return tuple(Step(*KNOWN[one]) for one in dialects)


@pytest.fixture(scope="session")
async def shared_matrix(make_world, configured, provider):
    def configure(alpha, beta, gamma, delta, epsilon):
        routes = {one: _steps(one) for one in KNOWN} | {f"{one}>{other}": _steps(one, other) for one, other in PAIRS}
        patient = TimeoutSettings()
        cloud = f"{delta.url}/v1/projects/p/locations/global/publishers/google"
        vertex = provider(delta, timeouts=patient, vendor="gemini-vertex")
        return configured(
            provider(alpha, timeouts=patient),
            provider(beta, timeouts=patient, vendor="anthropic"),
            gamma,
            provider(delta, timeouts=patient, vendor="gemini"),
            provider(epsilon, timeouts=patient, vendor="openai"),
            structs.replace(vertex, name="vertex", base_url=cloud),
            timeouts=patient,
            models={name: ModelRoute(name, chain) for name, chain in routes.items()},
            embeddings={name: EmbeddingRoute(name, (step,)) for name, step in VECTORS.items()},
        )

    async with make_world(configure, delta=Dialect.GEMINI, epsilon=Dialect.OPENAI_RESPONSES) as made:
        yield made


@pytest.fixture
def matrix(shared_matrix):
    """The world of all dialects, all providers well; none is sent what its vendor would refuse."""
    shared_matrix.reset()
    yield shared_matrix
    assert {one.name: one.refused for one in shared_matrix.providers if one.refused} == {}


@pytest.fixture(params=[(one,) for one in KNOWN] + PAIRS, ids=">".join)
def route(request, matrix):
    """Each dialect as the primary that is well, and each as the second one after each other that refuses."""
    *refusing, serving = request.param
    for one in refusing:
        matrix.named(KNOWN[one][0]).script = script.status(503)
    yield Route(">".join(request.param), KNOWN[serving][0])
    served = matrix.named(KNOWN[serving][0])
    asked = len(served.requests)
    assert matrix.calls()[served.name] == asked, "more was asked than is remembered"


@pytest.fixture(params=PAIRS, ids=">".join)
def pair(request, matrix):
    """Two providers of different dialects, both well, and the model that asks them in this order."""
    first, second = (matrix.named(KNOWN[one][0]) for one in request.param)
    return ">".join(request.param), first, second


@pytest.fixture(scope="session")
async def open_ai(shared_matrix):
    async with openai.AsyncOpenAI(base_url=shared_matrix.url, api_key="unused", max_retries=0, timeout=15) as made:
        yield made


@pytest.fixture(scope="session")
async def claude(shared_matrix):
    url = shared_matrix.url.removesuffix("/v1")
    async with anthropic.AsyncAnthropic(base_url=url, api_key="unused", max_retries=0, timeout=15) as made:
        yield made


@pytest.fixture(scope="session")
def pixel() -> str:
    """A PNG in base64."""
    return PIXEL


@pytest.fixture(scope="session")
def said():
    def one(text: str) -> list[dict[str, Any]]:
        return [{"role": "user", "content": text}]

    return one
