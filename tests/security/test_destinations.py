"""Nothing in a request chooses where the proxy calls, and nothing of it comes back to a web page."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest

from proxy.app import build
from proxy.config.values import Config, ModelRoute, Provider, ProviderKey, Secret, ServerSettings, Step
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from translators.ir import Dialect

DIALECTS = (Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI)


@asynccontextmanager
async def a_trap():
    """An address where nobody should call, and who did."""
    callers: list[bytes] = []

    async def called(reader, writer):
        callers.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(called, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.png", callers


@asynccontextmanager
async def a_proxy(dialect):
    async with ScriptedProvider("alpha", dialect) as alpha:
        config = Config(
            {"alpha": Provider("alpha", dialect, alpha.base_url, keys=(ProviderKey("env:KEY", Secret("k")),))},
            {"m": ModelRoute("m", (Step("alpha", "large"),))},
            server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.2),
        )
        async with serving(config, build) as running:
            yield running.data_url, alpha


def bodies(url: str):
    """A request for each dialect of a client, with the address wherever an address may stand, and where none may."""
    said = {"model": "m", "metadata": {"callback": url}, "user": url, "base_url": url, "api_base": url, "webhook": url}
    image = {"type": "image_url", "image_url": {"url": url}}
    yield (
        "/v1/chat/completions",
        said | {"messages": [{"role": "user", "content": [{"type": "text", "text": url}, image]}]},
    )
    parts = [{"type": "input_text", "text": url}, {"type": "input_image", "image_url": url}]
    yield (
        "/v1/responses",
        said | {"input": [{"role": "user", "content": [*parts, {"type": "input_file", "file_url": url}]}]},
    )
    source = {"type": "image", "source": {"type": "url", "url": url}}
    document = {"type": "document", "source": {"type": "url", "url": url}}
    asked = {
        "model": "m",
        "max_tokens": 9,
        "base_url": url,
        "messages": [{"role": "user", "content": [source, document]}],
    }
    yield "/v1/messages", asked


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_no_address_in_a_request_is_called(dialect):
    """Not in a body, not in a header, not in the target; whether the request is served or refused."""
    async with (
        a_trap() as (url, callers),
        a_proxy(dialect) as (data, alpha),
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        host = url.split("/")[2]
        headers = {
            "x-forwarded-host": host, "x-forwarded-for": host, "forwarded": f"host={host}", "origin": "http://localhost",
            "referer": url, "x-base-url": url, "x-sidestep-base-url": url, "openai-organization": url, "via": url,
        }  # fmt: skip
        for path, body in bodies(url):
            answer = await client.post(data + path, json=body, headers={**headers, "host": host})
            assert answer.status_code in (200, 400), answer.text
        answer = await client.get(f"{data}/v1/models?url={url}", headers={"host": host})
        assert answer.status_code == 200
        assert callers == []
        assert alpha.requests
        assert not [value for heard in alpha.requests for value in heard.headers.values() if host in value]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_no_web_page_is_told_that_it_may_read_and_no_cookie_is_set(method):
    asked = {"origin": "https://page.test", "access-control-request-method": "POST", "cookie": "a=b"}
    async with a_proxy(Dialect.OPENAI_CHAT) as (data, alpha), httpx2.AsyncClient(trust_env=False) as client:
        for path in ("/v1/models", "/v1/chat/completions"):
            answer = await client.request(method, data + path, headers=asked, json={"model": "m", "messages": []})
            assert not [name for name in answer.headers if name.startswith("access-control") or name == "set-cookie"]
        assert alpha.request_count == 0
