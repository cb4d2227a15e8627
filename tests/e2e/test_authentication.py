"""A key that is missing, or nobody's: every SDK raises its own AuthenticationError, in its dialect's shape, on every
route; and a provider that does not accept *our* key is never told as the caller's fault."""

import hashlib

import anthropic
import httpx2
import openai
import pytest

from proxy.config.values import Client, PassthroughSettings
from proxy.drill import script

HELLO = [{"role": "user", "content": "hello"}]
OURS = "the-key-of-ann"

CALLS = {
    "chat": lambda ai: ai.chat.completions.create(model="duo", messages=HELLO),
    "chat stream": lambda ai: ai.chat.completions.create(model="duo", messages=HELLO, stream=True),
    "completions": lambda ai: ai.completions.create(model="duo", prompt="hello"),
    "responses": lambda ai: ai.responses.create(model="duo", input="hello"),
    "a stored answer": lambda ai: ai.responses.retrieve("resp_1"),
    "embeddings": lambda ai: ai.embeddings.create(model="vectors", input="hello"),
    "models": lambda ai: ai.models.retrieve("duo"),
    "a list of models": lambda ai: ai.models.list(),
    "files": lambda ai: ai.files.create(file=b"x" * 100_000, purpose="batch"),
    "speech": lambda ai: ai.audio.speech.create(model="tts", voice="alloy", input="hi"),
    "an unknown path": lambda ai: ai.get("/nowhere", cast_to=object),
}
ANTHROPIC_CALLS = {
    "messages": lambda ai: ai.messages.create(model="duo", max_tokens=9, messages=HELLO),
    "messages stream": lambda ai: ai.messages.create(model="duo", max_tokens=9, messages=HELLO, stream=True),
    "count_tokens": lambda ai: ai.messages.count_tokens(model="duo", messages=HELLO),
    "models": lambda ai: ai.models.retrieve("duo"),
    "batches": lambda ai: ai.messages.batches.list(),
}


@pytest.fixture(scope="module")
async def locked(make_world, configured, provider):
    """A world that asks for a key."""

    def configure(alpha, beta, gamma):
        clients = {"ann": Client("ann", (hashlib.sha256(OURS.encode()).hexdigest(),))}
        return configured(alpha, beta, gamma, clients=clients, passthrough=PassthroughSettings("alpha"))

    async with make_world(configure) as made:
        yield made


@pytest.fixture
def world(locked):
    locked.reset()
    return locked


def open_ai(world, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=world.url, api_key=key, max_retries=0, timeout=15)


def claude(world, **key) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=world.url.removesuffix("/v1"), max_retries=0, timeout=15, **key)


@pytest.mark.parametrize("call", CALLS)
async def test_the_openai_sdk_raises_its_authentication_error(world, call):
    async with open_ai(world, "sk-wrong") as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            await CALLS[call](client)
    error = raised.value
    assert (error.status_code, error.code, error.type, error.param) == (
        401, "invalid_api_key", "invalid_request_error", None,
    )  # fmt: skip
    assert error.request_id.startswith("req_") and "sk-wrong" not in str(error)
    assert sum(world.calls().values()) == 0


@pytest.mark.parametrize("call", ANTHROPIC_CALLS)
@pytest.mark.parametrize("kind", ["api_key", "auth_token"])
async def test_the_anthropic_sdk_raises_its_authentication_error(world, kind, call):
    async with claude(world, **{kind: "sk-wrong"}) as client:
        with pytest.raises(anthropic.AuthenticationError) as raised:
            await ANTHROPIC_CALLS[call](client)
    error = raised.value
    assert (error.status_code, error.body["type"], error.body["error"]["type"]) == (
        401, "error", "authentication_error",
    )  # fmt: skip
    assert error.request_id.startswith("req_") and "sk-wrong" not in str(error)
    assert sum(world.calls().values()) == 0


@pytest.mark.parametrize(("path", "shape"), [("chat/completions", "param"), ("responses", "param"), ("messages", "")])
async def test_no_key_at_all_is_told_with_what_to_send(world, path, shape):
    async with httpx2.AsyncClient(trust_env=False) as plain:
        answer = await plain.post(f"{world.url}/{path}", json={"model": "duo"})
    told = answer.json()
    assert answer.status_code == 401 and "Authorization: Bearer" in told["error"]["message"]
    assert ("param" in told["error"]) is bool(shape) and (told.get("type") == "error") is not bool(shape)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("model", ["solo", "claude"])
async def test_a_provider_that_refuses_our_key_is_not_the_callers_fault(world, model, status):
    world.alpha.script = world.beta.script = script.status(status)
    async with open_ai(world, OURS) as client:
        for ask in (
            lambda: client.chat.completions.create(model=model, messages=HELLO),
            lambda: client.responses.create(model=model, input="hello"),
            lambda: client.completions.create(model=model, prompt="hello"),
        ):
            world.app._registry._pools.clear()
            with pytest.raises(openai.InternalServerError) as raised:
                await ask()
            assert (raised.value.status_code, raised.value.code) == (503, "upstream_auth_error")
    world.app._registry._pools.clear()
    async with claude(world, api_key=OURS) as client:
        with pytest.raises(anthropic.InternalServerError) as raised:
            await client.messages.create(model=model, max_tokens=9, messages=HELLO)
    assert raised.value.body["error"]["details"] == {"error_code": "upstream_auth_error"}


async def test_a_caller_with_its_own_key_is_told_that_its_provider_refuses_it(make_world, configured, provider):
    def configure(alpha, beta, gamma):
        return configured(provider(alpha, client_key=True, keys=()), provider(beta, client_key=True, keys=()), gamma)

    async with make_world(configure) as world:
        world.alpha.script = world.beta.script = script.status(401)
        for model in ("solo", "claude"):
            async with open_ai(world, "sk-their-own") as client:
                with pytest.raises(openai.AuthenticationError, match="key that this request brought"):
                    await client.chat.completions.create(model=model, messages=HELLO)
            async with claude(world, api_key="sk-their-own") as client:
                with pytest.raises(anthropic.AuthenticationError, match="key that this request brought"):
                    await client.messages.create(model=model, max_tokens=9, messages=HELLO)
        assert world.alpha.requests[-1].headers["authorization"] == "Bearer sk-their-own"
        assert world.beta.requests[-1].headers["x-api-key"] == "sk-their-own"
