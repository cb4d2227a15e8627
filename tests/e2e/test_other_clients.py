"""The real openai package for Node, and curl, before a failing primary."""

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

from proxy.drill import script

NODE = Path(__file__).with_name("node")
BODY = '{"model": "duo", "messages": [{"role": "user", "content": "hello there"}]}'
FAULTS = {
    "healthy": (script.ok(), "alpha"),
    "refusing": (script.refuse(), "beta"),
    "503": (script.status(503), "beta"),
    "silent": (script.silence(), "beta"),
    "529 in the stream": (script.overloaded_event(), "beta"),
}

node = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules" / "openai").is_dir(),
    reason="Node or its openai package is missing (npm ci in tests/e2e/node)",
)
curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode()


async def ask_node(world, kind: str, retries: int = 0) -> dict:
    return orjson.loads(await run("node", str(NODE / "client.mjs"), world.url, kind, str(retries)))


@node
@pytest.mark.parametrize(
    ("kind", "fault", "retries"),
    [(kind, fault, 2) for kind in ("unary", "stream") for fault in FAULTS]
    + [(kind, fault, 0) for kind in ("stream", "tools", "embeddings") for fault in ("healthy", "503")],
)
async def test_node_sees_a_good_answer_whatever_the_primary_does(world, kind, fault, retries):
    world.alpha.script, served = FAULTS[fault]
    answer = await ask_node(world, kind, retries)
    if kind == "embeddings":
        assert len(set(answer["dimensions"])) == 1 and answer["dimensions"][0] > 1
    elif kind == "tools":
        assert answer["tools"] == ["get_time"]
    else:
        assert answer["text"] == f"demo answer from {served}: hello there"


@node
async def test_node_sees_an_error_when_the_answer_is_cut(world):
    world.alpha.script = script.cut(after=2)
    assert "error" in await ask_node(world, "stream", 2)
    assert world.calls() == {"alpha": 1, "beta": 0, "gamma": 0}


@node
async def test_a_default_node_client_causes_at_most_six_upstream_calls(world):
    world.alpha.script = world.beta.script = script.status(503)
    assert (await ask_node(world, "unary", 2))["code"] == "all_targets_failed"
    assert sum(world.calls().values()) <= 6


@curl
@pytest.mark.parametrize("fault", FAULTS)
async def test_curl_gets_the_answer_and_can_see_who_gave_it(world, fault):
    world.alpha.script, served = FAULTS[fault]
    url = world.url + "/chat/completions"
    out = await run("curl", "-sS", "-i", "-H", "content-type: application/json", "-d", BODY, url)
    head, _, body = out.partition("\r\n\r\n")
    assert f"x-sidestep-provider: {served}" in head
    assert orjson.loads(body)["choices"][0]["message"]["content"] == f"demo answer from {served}: hello there"


SAID = [{"role": "user", "content": "hello there"}]
CLOCK = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {}}}}
CURLED = {
    "stream": ("/chat/completions", {"model": "duo", "messages": SAID, "stream": True}),
    "tools": ("/chat/completions", {"model": "duo", "messages": SAID, "tools": [CLOCK]}),
    "embeddings": ("/embeddings", {"model": "vectors", "input": "hello there"}),
}
"""Every path and body that differs for a client that reads bytes."""
MORE_FAULTS = FAULTS | {
    "429": (script.status(429, retry_after=30), "beta"),
    "401": (script.status(401), "beta"),
    "out of quota": (script.status(429, "insufficient_quota"), "beta"),
    "cut before headers": (script.cut_before_headers(), "beta"),
    "truncated": (script.truncated(after=0), "beta"),
}


@curl
@pytest.mark.parametrize("fault", MORE_FAULTS)
@pytest.mark.parametrize("kind", CURLED)
async def test_curl_gets_every_kind_of_answer_whole(world, kind, fault):
    world.alpha.script, served = MORE_FAULTS[fault]
    path, body = CURLED[kind]
    told = orjson.dumps(body).decode()
    out = await run("curl", "-sS", "-N", "-i", "-H", "content-type: application/json", "-d", told, world.url + path)
    head, _, body = out.partition("\r\n\r\n")
    if kind == "embeddings":
        assert f"x-sidestep-provider: {'gamma' if served == 'beta' else served}" in head
        assert len(orjson.loads(body)["data"][0]["embedding"]) > 1
        return
    assert f"x-sidestep-provider: {served}" in head
    if kind == "tools":
        (call,) = orjson.loads(body)["choices"][0]["message"]["tool_calls"]
        assert call["function"]["name"] == "get_time"
        return
    chunks = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    assert chunks.pop() == "[DONE]"
    said = (choice["delta"].get("content") or "" for chunk in chunks for choice in orjson.loads(chunk)["choices"])
    assert "".join(said) == f"demo answer from {served}: hello there"


@curl
async def test_curl_sees_that_a_stream_was_cut(world):
    """curl's exit code 18: the transfer ended before its end."""
    world.alpha.script = script.cut(after=2)
    body = BODY.replace('"model"', '"stream": true, "model"')
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-N", "-H", "content-type: application/json", "-d", body, world.url + "/chat/completions",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 18
    assert b'"error"' in out and b"[DONE]" not in out
