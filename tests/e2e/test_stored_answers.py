"""Answers that a provider of `/responses` keeps, asked for by their id: of whoever made them, by the openai SDK.

`first` gets what passes through; `second` speaks the same dialect and is another model's; `claude` keeps nothing.
"""

from contextlib import AsyncExitStack

import httpx2
import openai
import orjson
import pytest

from proxy.app import build
from proxy.config.hidden import Secret
from proxy.config.values import Config, ModelRoute, PassthroughSettings, Provider, ProviderKey, ServerSettings, Step
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from tests.e2e.shelf import Shelf
from translators.ir import Dialect

USAGE = {
    "input_tokens": 1,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 1,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 2,
}


def response(named: str, status: str = "completed") -> dict:
    content = [{"type": "output_text", "text": f"I am {named}", "annotations": []}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}
    head = {"id": named, "object": "response", "created_at": 1, "status": status, "model": "m", "output": [message]}
    rest = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": USAGE, "error": None}
    return head | rest | {"incomplete_details": None, "metadata": {}, "instructions": None}


def keeping(shelf: Shelf, name: str):
    """What such a provider answers: it numbers its answers, and knows those it made."""
    made: list[str] = []
    shelf.asks = []

    async def script(asked):
        await asked.take()
        path = asked.target.partition("?")[0].removeprefix("/v1/responses").strip("/")
        shelf.asks.append((asked.method, asked.target))
        if asked.method == "POST" and not path:
            made.append(f"resp_{name}_{len(made)}")
            body = orjson.loads(asked.start)
            if body.get("stream"):
                events = [
                    {"type": "response.created", "response": response(made[-1], "in_progress"), "sequence_number": 0},
                    {"type": "response.completed", "response": response(made[-1]), "sequence_number": 1},
                ]
                told = b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), orjson.dumps(e)) for e in events)
                await asked.answer(told, "text/event-stream")
            else:
                await asked.json(response(made[-1], "queued" if body.get("background") else "completed"))
            return
        named, _, what = path.partition("/")
        if named not in made:
            message = f"Response with id '{named}' not found."
            await asked.json({"error": {"message": message, "type": "invalid_request_error"}}, 404)
        elif what == "input_items":
            item = {"type": "message", "id": f"msg_of_{named}", "role": "user", "status": "completed"}
            items = [item | {"content": [{"type": "input_text", "text": "hi"}]}]
            await asked.json({"object": "list", "data": items, "has_more": False, "first_id": "", "last_id": ""})
        elif asked.method == "DELETE":
            made.remove(named)
            await asked.json({"id": named, "object": "response.deleted", "deleted": True})
        else:
            await asked.json(response(named, "cancelled" if what == "cancel" else "completed"))

    shelf.script = script
    return shelf


def block(name: str, url: str, dialect: Dialect) -> Provider:
    return Provider(name, dialect, url, keys=(ProviderKey("env:K", Secret(f"sk-{name}-canary")),))


@pytest.fixture(scope="module")
async def stored():
    """The URL, the two shelves and the provider that keeps nothing."""
    async with AsyncExitStack() as stack:
        shelves = [keeping(await stack.enter_async_context(Shelf()), name) for name in ("first", "second")]
        claude = await stack.enter_async_context(ScriptedProvider("claude", Dialect.ANTHROPIC_MESSAGES))
        blocks = [
            block(name, shelf.base_url, Dialect.OPENAI_RESPONSES)
            for name, shelf in zip(("first", "second"), shelves, strict=True)
        ]
        blocks.append(block("claude", claude.base_url, claude.dialect))
        config = Config(
            {one.name: one for one in blocks},
            {one.name: ModelRoute(one.name, (Step(one.name, "m"),)) for one in blocks},
            server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.2),
            passthrough=PassthroughSettings("first"),
        )
        running = await stack.enter_async_context(serving(config, build))
        yield running.data_url + "/v1", *shelves


@pytest.fixture
async def client(stored):
    async with openai.AsyncOpenAI(base_url=stored[0], api_key="ann", max_retries=0, timeout=15) as made:
        yield made


@pytest.fixture(params=["whole", "stream"])
def make(request, client):
    """`await make(model)`: the id of a new answer."""

    async def made(model: str) -> str:
        if request.param == "whole":
            return (await client.responses.create(model=model, input="hi")).id
        events = [event async for event in await client.responses.create(model=model, input="hi", stream=True)]
        return events[-1].response.id

    return made


@pytest.mark.parametrize("model", ["first", "second"])
async def test_an_answer_is_asked_of_its_maker_in_every_way(stored, client, make, model):
    named = await make(model)
    assert named.startswith(f"resp_{model}_")
    raw = await client.responses.with_raw_response.retrieve(named, include=["reasoning.encrypted_content"])
    assert (raw.parse().output_text, raw.headers["x-sidestep-provider"]) == (f"I am {named}", model)
    assert [one.id async for one in client.responses.input_items.list(named, limit=5)] == [f"msg_of_{named}"]
    assert (await client.responses.cancel(named)).status == "cancelled"
    await client.responses.delete(named)
    with pytest.raises(openai.NotFoundError, match=f"'{named}' not found"):
        await client.responses.retrieve(named)
    shelf = stored[1 if model == "first" else 2]
    assert [(method, target.partition("?")[0]) for method, target in shelf.asks[-5:]] == [
        ("GET", f"/v1/responses/{named}"),
        ("GET", f"/v1/responses/{named}/input_items"),
        ("POST", f"/v1/responses/{named}/cancel"),
        ("DELETE", f"/v1/responses/{named}"),
        ("GET", f"/v1/responses/{named}"),
    ]
    assert "limit=5" in shelf.asks[-4][1]
    keys = {one.headers["authorization"] for one in shelf.asked}
    assert keys == {f"Bearer sk-{model}-canary"}


async def test_an_answer_in_the_background_is_waited_for_at_its_maker(client):
    begun = await client.responses.create(model="second", input="hi", background=True)
    assert begun.status == "queued"
    assert (await client.responses.retrieve(begun.id)).status == "completed"


async def test_a_translated_answer_is_kept_by_nobody_and_nobody_is_asked(stored, client, make):
    named = await make("claude")
    before = [len(shelf.asks) for shelf in stored[1:]]
    with pytest.raises(openai.NotFoundError, match="was translated, and nobody keeps it"):
        await client.responses.retrieve(named)
    assert [len(shelf.asks) for shelf in stored[1:]] == before


async def test_an_answer_nobody_here_made_and_other_paths_go_where_all_passes_through(stored, client):
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve("resp_from_elsewhere")
    assert stored[1].asks[-1] == ("GET", "/v1/responses/resp_from_elsewhere")


async def test_another_client_does_not_reach_it_by_its_id(stored, client):
    """What is remembered is the client's own: another's request goes where it would go without."""
    named = (await client.responses.create(model="second", input="hi")).id
    async with httpx2.AsyncClient(trust_env=False) as plain:
        answer = await plain.get(f"{stored[0]}/responses/{named}", headers={"authorization": "Bearer bob"})
    assert answer.status_code == 404
    assert stored[1].asks[-1][1] == f"/v1/responses/{named}"
