"""Any request that OpenAI's published description allows, or all but allows, gets an answer of the described shape.

The folder that SIDESTEP_RECORDED names has the description beside it (`specs`); without it the inputs kept for the
fuzzer are asked. What is asked goes to a real proxy, to a target of the client's dialect and to one of another.
"""

import gc
import importlib.util
import json
import os
import warnings
from pathlib import Path

import httpx2
import orjson
import pytest

from tests.e2e.schema import Maker
from tests.fuzz.catalog import CORPUS
from translators.sse import EventSplitter

SPECS = Path(os.environ.get("SIDESTEP_RECORDED") or "nowhere", "..", "specs")
REQUESTS = 60
CHAT = ("/chat/completions", "CreateChatCompletionRequest", "CreateChatCompletionResponse")
EMBEDDINGS = ("/embeddings", "CreateEmbeddingRequest", "CreateEmbeddingResponse")
WITHOUT_SPECS = {"/chat/completions": "request-openai-chat", "/embeddings": "vectors"}
REFUSALS = {400, 404, 413}


@pytest.fixture(scope="module")
def described():
    """The schemas, and what they have against a value; None without them."""
    if not (SPECS / "oas_validate.py").is_file():
        return None, lambda *_: []
    spec = importlib.util.spec_from_file_location("oas_validate", SPECS / "oas_validate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings(action="ignore"):
        module.errors("openai", "ErrorResponse", {})  # it leaves its files to the garbage collector
        gc.collect()
    schemas = json.loads((SPECS / "openai-openapi.json").read_text())["components"]["schemas"]
    return schemas, lambda name, value: module.errors("openai", name, value)


def bodies(schemas, path, request):
    """Requests, one in three of which is spoiled."""
    if schemas is None:
        kept = sorted((CORPUS / WITHOUT_SPECS[path]).iterdir())
        for file in kept:
            try:
                value = json.loads(file.read_bytes().partition(b"\n")[0])
            except ValueError:
                continue
            for seed in range(max(1, REQUESTS // len(kept))):
                yield Maker({}, seed).spoiled(json.loads(json.dumps(value)))
        return
    for seed in range(REQUESTS):
        maker = Maker(schemas, seed)
        body = maker.made(schemas[request])
        yield maker.spoiled(body) if seed % 3 == 2 else body


def told_to(body, model, *, stream):
    """For a model that there is, so that more is shown than that it is unknown."""
    if not isinstance(body, dict):
        return body
    return {**body, "model": model, **({} if stream is None else {"stream": stream})}


def is_an_error(answer: httpx2.Response, invalid) -> None:
    error = answer.json()["error"]
    assert isinstance(error["message"], str) and error["message"]
    assert isinstance(error["type"], str)
    assert {"param", "code"} <= error.keys()
    assert invalid("ErrorResponse", answer.json()) == []


def is_a_stream(answer: httpx2.Response, invalid) -> None:
    """The description of a stream's chunks has forgotten the custom tools that the one of a whole answer knows."""
    *chunks, last = EventSplitter().feed(answer.content)
    assert last.data == b"[DONE]" and chunks
    for chunk in chunks:
        wrong = invalid("CreateChatCompletionStreamResponse", orjson.loads(chunk.data))
        assert [one for one in wrong if not one.endswith("'custom' is not one of ['function']")] == []


@pytest.mark.parametrize(
    ("asked", "model", "stream"),
    [
        *((CHAT, "solo", False), (CHAT, "solo", True), (CHAT, "claude", False), (CHAT, "claude", True)),
        (EMBEDDINGS, "vectors", False),
    ],
)
async def test_any_request_gets_an_answer_of_the_described_shape(world, described, asked, model, stream):
    path, request, answered = asked
    schemas, invalid = described
    served = 0
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        for made in bodies(schemas, path, request):
            body = told_to(made, model, stream=stream if path == CHAT[0] else None)
            headers = {"x-sidestep-metadata": "1"} if served % 2 else {}
            answer = await client.post(world.url + path, json=body, headers=headers)
            told = f"{orjson.dumps(body).decode()[:2000]} -> {answer.status_code} {answer.text[:300]}"
            assert answer.status_code == 200 or answer.status_code in REFUSALS, told
            served += answer.status_code == 200
            if answer.status_code != 200:
                is_an_error(answer, invalid)
            elif answer.headers["content-type"].startswith("text/event-stream"):
                is_a_stream(answer, invalid)
                assert (b'"sidestep":' in answer.content) == bool(headers)
            else:
                assert invalid(answered, answer.json()) == [], told
    assert served >= 5, "hardly anything was served, so that hardly anything was shown"


async def test_no_request_of_these_was_a_fault_of_the_proxy(world):
    async with httpx2.AsyncClient(trust_env=False) as client:
        page = (await client.get(world.admin + "/metrics")).text
    assert [
        line for line in page.splitlines() if line.startswith("sidestep_own_errors_total") and line[-2:] != " 0"
    ] == []
