"""Tool loops of models that sign what they think, through clients that keep nothing they do not know.

beta speaks Anthropic's dialect, signs its thinking with its own name, and refuses any other signature; delta is another
such provider. A client here is plain: of an assistant's message it echoes the role, the content and the tool calls.
"""

import hashlib

import httpx2
import orjson
import pytest

from proxy.config.hidden import Secret
from proxy.config.values import BreakerSettings, Client, ModelRoute, Provider, ProviderKey, Step
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok, status
from translators.ir import Dialect

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
CLIENTS = {name: Client(name, (hashlib.sha256(f"key-of-{name}".encode()).hexdigest(),)) for name in ("ann", "bob")}
ASKED = {"role": "user", "content": "What is the weather in Turin?"}


class Person:
    """A client with a connection of its own, no SDK: what it keeps is up to the test."""

    def __init__(self, url, http, key="", model="loop"):
        self.url = url
        self.http = http
        self.model = model
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    async def ask(self, messages, *, stream=False):
        """The assistant's message as a client keeps it that knows the dialect and nothing more, and who served."""
        body = {"model": self.model, "messages": messages, "tools": TOOLS, "reasoning_effort": "high", "stream": stream}
        answer = await self.http.post(self.url + "/chat/completions", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        said = folded(answer.text) if stream else answer.json()["choices"][0]["message"]
        kept = {"role": "assistant", "content": said.get("content") or ""}
        if said.get("tool_calls"):
            kept["tool_calls"] = [
                {"id": call["id"], "type": "function", "function": call["function"]} for call in said["tool_calls"]
            ]
        return kept, answer.headers["x-sidestep-provider"]


def folded(answer):
    """The message that a stream of chunks makes, in the fields that every client knows."""
    said = {"content": "", "tool_calls": []}
    for line in answer.splitlines():
        if not line.startswith("data: {"):
            continue
        for choice in orjson.loads(line[6:])["choices"]:
            said["content"] += choice["delta"].get("content") or ""
            for call in choice["delta"].get("tool_calls") or ():
                if "id" in call:
                    said["tool_calls"].append({"id": call["id"], "function": {**call["function"]}})
                else:
                    said["tool_calls"][call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    return said


def results(message):
    return [{"role": "tool", "tool_call_id": call["id"], "content": "rain"} for call in message["tool_calls"]]


def thinking_sent(provider):
    """The signatures that the provider was sent last."""
    messages = provider.requests[-1].body["messages"]
    blocks = [block for message in messages for block in message["content"] if isinstance(block, dict)]
    return [block["signature"] for block in blocks if block["type"] == "thinking"]


@pytest.fixture(params=[CLIENTS, {}], ids=["named clients", "callers by their keys"])
async def loop_world(request, make_world, configured, provider):
    """`loop` asks beta and then delta; `mixed` asks alpha and then beta."""
    async with ScriptedProvider("delta", Dialect.ANTHROPIC_MESSAGES) as delta:

        def configure(*three):
            jumpy = provider(three[1], breaker=BreakerSettings(consecutive_failures=1, open_s=60))
            models = {
                "loop": ModelRoute("loop", steps("beta/demo-claude", "delta/demo-claude")),
                "free": ModelRoute("free", steps("beta/demo-claude", "delta/demo-claude"), sticky="none"),
                "mixed": ModelRoute("mixed", steps("alpha/demo-large", "beta/demo-claude")),
            }
            fourth = Provider("delta", delta.dialect, delta.base_url, keys=(ProviderKey("env:D", Secret("sk-delta")),))
            return configured(three[0], jumpy, three[2], fourth, models=models, clients=request.param)

        async with make_world(configure) as world:
            world.delta = delta
            world.beta.script = delta.script = ok(reasoning=True)
            yield world


def steps(*names):
    return tuple(Step(*name.split("/", 1)) for name in names)


@pytest.fixture
async def person(loop_world):
    """`person(name, model)`: a client of that name."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        yield lambda name="ann", model="loop": Person(loop_world.url, http, f"key-of-{name}", model)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_drops_everything_does_a_loop_with_signed_thinking(loop_world, person, stream):
    ann = person()
    called, served = await ann.ask([ASKED], stream=stream)
    assert served == "beta"
    _, served = await ann.ask([ASKED, called, *results(called)], stream=stream)
    assert served == "beta"
    assert thinking_sent(loop_world.beta) == ["sig-beta"]


async def test_a_loop_that_fails_over_in_the_middle_brings_no_foreign_signature(loop_world, person):
    """The next provider would refuse one; its own come back to it from there on, and the first one's to the first."""
    ann = person()
    first, served = await ann.ask([ASKED])
    assert served == "beta"
    loop_world.beta.script = status(503)
    history = [ASKED, first, *results(first)]
    _, served = await ann.ask(history)
    assert (served, thinking_sent(loop_world.delta)) == ("delta", [])


async def test_a_loop_stays_on_the_fallback_after_the_primary_is_back(loop_world, person):
    ann = person()
    loop_world.beta.script = status(503).then(ok(reasoning=True))
    called, served = await ann.ask([ASKED])
    assert served == "delta"
    loop_world.reset()
    loop_world.delta.script = loop_world.beta.script = ok(reasoning=True)
    history = [ASKED, called, *results(called)]
    answer, served = await ann.ask(history)
    assert (served, thinking_sent(loop_world.delta)) == ("delta", ["sig-delta"])
    _, served = await ann.ask([*history, answer, ASKED])
    assert served == "beta"


async def test_a_loop_does_not_wait_for_a_provider_that_is_down(loop_world, person):
    ann = person()
    called, _ = await ann.ask([ASKED])
    loop_world.beta.script = status(503)
    await ann.ask([ASKED])
    _, served = await ann.ask([ASKED, called, *results(called)])
    assert served == "delta"


async def test_a_model_that_is_not_sticky_keeps_to_its_chain(loop_world, person):
    ann = person(model="free")
    loop_world.beta.script = status(503).then(ok(reasoning=True))
    called, served = await ann.ask([ASKED])
    loop_world.reset()
    loop_world.beta.script = ok(reasoning=True)
    assert served == "delta"
    _, served = await ann.ask([ASKED, called, *results(called)])
    assert (served, thinking_sent(loop_world.beta)) == ("beta", [])


async def test_another_clients_history_finds_nothing(loop_world, person):
    called, _ = await person("ann").ask([ASKED])
    await person("bob").ask([ASKED, called, *results(called)])
    assert thinking_sent(loop_world.beta) == []


@pytest.mark.parametrize("change", ["the id", "the arguments", "the text", "the name"])
async def test_a_turn_that_was_never_said_finds_nothing(loop_world, person, change):
    ann = person()
    called, _ = await ann.ask([ASKED])
    call = called["tool_calls"][0]
    if change == "the id":
        call["id"] += "0"
    elif change == "the arguments":
        call["function"]["arguments"] = '{"city":"Rome"}'
    elif change == "the text":
        called["content"] += "!"
    else:
        call["function"]["name"] = "look_down"
    await ann.ask([ASKED, called, *results(called)])
    assert thinking_sent(loop_world.beta) == []


async def test_a_loop_of_a_plain_provider_goes_on_at_one_that_signs(loop_world, person):
    ann = person(model="mixed")
    called, served = await ann.ask([ASKED])
    assert served == "alpha"
    loop_world.alpha.script = status(503)
    _, served = await ann.ask([ASKED, called, *results(called)])
    assert (served, thinking_sent(loop_world.beta)) == ("beta", [])


async def test_a_refused_signature_is_left_out_in_a_second_attempt(loop_world, person):
    refusal = status(400, message="messages.1.content.0: Invalid `signature` in `thinking` block")
    ann = person()
    called, _ = await ann.ask([ASKED])
    loop_world.reset()
    loop_world.beta.script = refusal.then(ok(reasoning=True))
    _, served = await ann.ask([ASKED, called, *results(called)])
    assert (served, thinking_sent(loop_world.beta), loop_world.calls()["beta"]) == ("beta", [], 2)
