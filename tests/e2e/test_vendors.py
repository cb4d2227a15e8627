"""Ways to a provider that differ from the usual: paths, key headers, bodies, and keys that change while requests come.

The provider here takes any path and tells afterwards what it heard; a token endpoint stands beside it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
import orjson
import pytest

from proxy.app import build
from proxy.config.load import load
from proxy.server import serving

CHAT = {
    "id": "c-1",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
CLAUDE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
VECTOR = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}
ASK = {"messages": [{"role": "user", "content": "Hello"}]}


@dataclass
class Heard:
    target: str
    headers: dict[str, str]
    body: dict[str, object]


@dataclass
class Cloud:
    """Answers by what the path ends in; `tokens` are given out in turn."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        target = lines[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = orjson.dumps(self._answer(target, headers, body))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(answer), answer))
        writer.close()

    def _answer(self, target: str, headers: dict[str, str], body: bytes) -> object:
        if target.endswith("/token"):
            self.forms.append(body.decode())
            return {"access_token": self.tokens.pop(0), "expires_in": 3600, "token_type": "Bearer"}
        self.heard.append(Heard(target, headers, orjson.loads(body)))
        if "anthropic" in target:
            return CLAUDE
        return VECTOR if "embeddings" in target else CHAT


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    made = Cloud()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made


@pytest.fixture
def proxied(tmp_path):
    """`async with proxied(toml, env) as ask`: a proxy of that configuration; `ask(path, **body)` gives the answer."""

    @asynccontextmanager
    async def served(text: str, **env: str):
        file = tmp_path / "config.toml"
        file.write_text(f'[server]\nlisten = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n{text}')
        config = (await asyncio.to_thread(load, str(file), env)).config
        async with serving(config, build) as running, httpx2.AsyncClient(trust_env=False) as client:

            async def ask(path: str = "chat/completions", **body: object) -> httpx2.Response:
                return await client.post(f"{running.data_url}/v1/{path}", json=body)

            yield ask

    return served


async def test_a_dated_deployment_is_asked_at_its_path_with_its_header(proxied, cloud):
    text = f"""
[providers.azure]
vendor = "azure-openai"
base_url = "{cloud.url}"
[providers.azure.profile.paths]
chat = "/openai/deployments/{{model}}/chat/completions?api-version=2024-10-21"
embeddings = "/openai/deployments/{{model}}/embeddings?api-version=2024-10-21"
[models.m]
chain = ["azure/prod gpt"]
[embeddings.e]
chain = ["azure/embed"]
"""
    async with proxied(text, AZURE_OPENAI_API_KEY="canary") as ask:
        answer = await ask(model="m", **ASK)
        assert (answer.status_code, answer.json()["choices"][0]["message"]["content"]) == (200, "hi")
        assert (await ask("embeddings", model="e", input="x")).status_code == 200
    chat, vectors = cloud.heard
    assert chat.target == "/openai/deployments/prod%20gpt/chat/completions?api-version=2024-10-21"
    assert vectors.target == "/openai/deployments/embed/embeddings?api-version=2024-10-21"
    for heard in cloud.heard:
        assert heard.headers["api-key"] == "canary"
        assert "authorization" not in heard.headers


async def test_a_token_is_there_for_the_first_request_and_goes_as_bearer(proxied, cloud):
    cloud.tokens = ["tok-1"]
    text = f"""
[providers.azure]
vendor = "azure-openai"
base_url = "{cloud.url}/openai/v1"
keys = ["entra:"]
token_url = "{cloud.url}"
[models.m]
chain = ["azure/gpt"]
"""
    entra = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "a", "AZURE_CLIENT_SECRET": "canary"}
    async with proxied(text, **entra) as ask:
        assert (await ask(model="m", **ASK)).status_code == 200
    [heard] = cloud.heard
    assert (heard.target, heard.headers["authorization"]) == ("/openai/v1/chat/completions", "Bearer tok-1")
    assert "api-key" not in heard.headers
    assert len(cloud.forms) == 1


async def test_a_provider_whose_token_cannot_be_had_is_skipped_and_the_next_one_serves(proxied, cloud):
    text = f"""
[providers.azure]
vendor = "azure-openai"
base_url = "{cloud.url}/openai/v1"
keys = ["entra:"]
token_url = "http://127.0.0.1:9"
[providers.spare]
dialect = "openai-chat"
base_url = "{cloud.url}/spare"
keys = []
[models.m]
chain = ["azure/gpt", "spare/gpt"]
[models.alone]
chain = ["azure/gpt"]
"""
    entra = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "a", "AZURE_CLIENT_SECRET": "canary"}
    async with proxied(text, **entra) as ask:
        served = await ask(model="m", **ASK)
        assert (served.status_code, served.headers["x-sidestep-provider"]) == (200, "spare")
        refused = await ask(model="alone", **ASK)
    assert refused.status_code == 503
    assert "azure/gpt: azure has no token now" in refused.json()["error"]["message"]
    assert [heard.target for heard in cloud.heard] == ["/spare/chat/completions"]


async def test_claude_at_google_gets_its_model_in_the_path_and_its_version_in_the_body(proxied, cloud):
    cloud.tokens = ["tok-g"]
    text = f"""
[providers.vertex]
vendor = "anthropic-vertex"
base_url = "{cloud.url}/v1/projects/p/locations/global"
keys = ["google:"]
token_url = "{cloud.url}"
[models.m]
chain = ["vertex/claude-sonnet-5"]
"""
    async with proxied(text) as ask:
        answer = await ask(model="m", max_tokens=50, **ASK)
        assert answer.json()["choices"][0]["message"]["content"] == "hi"
    [heard] = cloud.heard
    assert heard.target == "/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-5:rawPredict"
    assert heard.headers["authorization"] == "Bearer tok-g"
    assert heard.body["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in heard.body


async def test_a_key_file_that_is_replaced_serves_from_then_on(proxied, cloud, tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.upstream.credentials.LOOK_S", 0.01)
    key = tmp_path / "key"
    key.write_text("sk-1")
    text = f"""
[providers.own]
dialect = "openai-chat"
base_url = "{cloud.url}/v1"
keys = ["file:{key}"]
[models.m]
chain = ["own/m"]
"""
    async with proxied(text) as ask:
        await ask(model="m", **ASK)
        (tmp_path / "next").write_text("sk-22")
        (tmp_path / "next").rename(key)
        async with asyncio.timeout(10):
            while cloud.heard[-1].headers["authorization"] == "Bearer sk-1":
                await ask(model="m", **ASK)
    assert cloud.heard[0].headers["authorization"] == "Bearer sk-1"
    assert cloud.heard[-1].headers["authorization"] == "Bearer sk-22"
