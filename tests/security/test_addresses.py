"""Where calls go is the configuration's to say: no text of a request changes it, whatever field it stands in.

A trap listens for whoever would follow an address out of a request; the providers tell what they were asked.
"""

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from proxy.drill import script

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "messages": [
            {"role": "system", "content": "s"},
            {
                "role": "user",
                "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "u"}}],
            },
        ],
        "tools": [TOOL],
        "user": "u",
        "metadata": {"k": "v"},
        "stop": ["s"],
    },
    "/v1/responses": {
        "input": [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "t"}, {"type": "input_image", "image_url": "u"}],
            }
        ],
        "instructions": "i",
        "metadata": {"k": "v"},
    },
    "/v1/messages": {
        "max_tokens": 9,
        "system": "s",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "t"}, {"type": "image", "source": {"type": "url", "url": "u"}}],
            }
        ],
        "metadata": {"user_id": "u"},
    },
    "/v1/completions": {"prompt": "p", "user": "u", "max_tokens": 9},
    "/v1/embeddings": {"input": ["i"], "user": "u"},
}
ADDED = (
    "api_base",
    "base_url",
    "baseUrl",
    "endpoint",
    "url",
    "host",
    "proxy",
    "callback_url",
    "webhook",
    "api_key",
    "custom_llm_provider",
    "provider",
    "azure_endpoint",
    "success_callback",
    "fallbacks",
)
"""Fields by which other proxies were told where to go."""
HEADERS = (
    "x-forwarded-host",
    "x-forwarded-for",
    "forwarded",
    "x-original-url",
    "x-rewrite-url",
    "referer",
    "x-base-url",
    "x-portkey-custom-host",
    "helicone-target-url",
    "x-litellm-api-base",
    "via",
    "x-http-host-override",
)


def addresses(port):
    """Ways of naming a place that a filter would have to know, all of which lead to the trap or inside a network."""
    return [
        f"http://127.0.0.1:{port}/",
        f"http://0.0.0.0:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://2130706433:{port}/",
        f"//127.0.0.1:{port}/",
        f"http://api.openai.com@127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        f"gopher://127.0.0.1:{port}/_x",
        "../../../../admin",
        f"x\r\nhost: 127.0.0.1:{port}",
    ]


@asynccontextmanager
async def trap():
    """Its port, and whoever came."""
    came = []

    async def caught(_, writer):
        came.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(caught, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        server.close()
        await server.wait_closed()


def planted(body, text):
    """`body` with `text` in the place of one string after the other, but for those that name a kind."""
    yield from _planted(body, text, ())


def _planted(value, text, kept):
    if isinstance(value, dict):
        for name, one in value.items():
            for changed in _planted(one, text, (*kept, name)):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for number, one in enumerate(value):
            for changed in _planted(one, text, kept):
                yield [*value[:number], changed, *value[number + 1 :]]
    elif isinstance(value, str) and not {"type", "role"} & set(kept[-1:]):
        yield text


def places(guarded):
    """Host and path of every call that was made."""
    return {(one.headers["host"], one.path) for one in guarded.heard}


def hosts(guarded):
    return {one.url.removeprefix("http://") for one in guarded.providers.values()}


@pytest.mark.parametrize("path", BODIES)
async def test_an_address_in_any_field_of_a_body_leads_nowhere(guarded, path):
    """What is asked may change with it (a picture by its address is not for everyone); where, never."""
    models = ["vectors"] if path == "/v1/embeddings" else list(guarded.providers)
    for model in models:
        await guarded.ask(path, {**BODIES[path], "model": model})
    usual = places(guarded)
    assert usual
    async with trap() as (port, came):
        for text in addresses(port):
            bodies = list(planted(BODIES[path], text))
            bodies.append(BODIES[path] | dict.fromkeys(ADDED, text))
            for number, body in enumerate(bodies):
                told = await guarded.ask(path, {**body, "model": models[number % len(models)]})
                assert told.status < 500 or b"upstream" not in told.body, told.body
        assert came == []
    assert places(guarded) <= usual


async def test_an_address_in_any_header_leads_nowhere(guarded):
    body = BODIES["/v1/completions"] | {"model": "chat"}
    await guarded.ask("/v1/completions", body)
    usual = places(guarded)
    async with trap() as (port, came):
        for name in HEADERS:
            assert (await guarded.ask("/v1/completions", body, **{name: f"http://127.0.0.1:{port}/"})).status == 200
        assert came == []
    assert places(guarded) == usual
    brought = {name for one in guarded.heard for name in one.headers}
    assert brought.isdisjoint(HEADERS), "nothing of a client's request goes on but what is listed"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_address_as_the_models_name_stays_a_name(guarded, stream):
    """Also where a dialect has the model in its path."""
    async with trap() as (port, came):
        for text in addresses(port):
            for named in (text, f"gemini/{text}", f"chat/{text}", f"gemini/{text}?key=1#x"):
                asked = {"model": named, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
                await guarded.ask("/v1/chat/completions", asked)
        assert came == []
    assert {host for host, _ in places(guarded)} <= hosts(guarded)
    gemini = guarded.providers["gemini"].requests
    assert gemini
    for one in gemini:
        assert one.path.startswith("/v1beta/models/")
        assert ".." not in one.path.split("/")
        assert one.path.count("/") == 3, one.path


async def test_a_providers_redirect_is_not_followed(guarded):
    async with trap() as (port, came):
        for one in guarded.providers.values():
            one.script = script.redirect(f"http://127.0.0.1:{port}/")
        told = await guarded.ask("/v1/chat/completions", BODIES["/v1/chat/completions"] | {"model": "chat"})
        assert came == []
    assert told.status == 502
    assert orjson.loads(told.body)["error"]["code"] == "upstream_invalid_response"
