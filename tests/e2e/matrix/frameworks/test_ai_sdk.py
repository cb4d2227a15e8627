"""Vercel's AI SDK in Node, over chat, responses and messages, whole and streamed.

Its tools run in Node: the first one says that it was called and waits until it is answered, and the provider breaks in
between.
"""

import asyncio
import sys
from pathlib import Path

import orjson
import pytest

NODE = Path(__file__).with_name("node")

pytestmark = pytest.mark.skipif(
    Path(sys.prefix).name != ".venv-frameworks" or not (NODE / "node_modules" / "ai").is_dir(),
    reason="the AI SDK for Node is missing, or this is not its environment (make test-frameworks)",
)


async def run(task, kind, way, store):
    """What became of the task, as the agent prints it."""
    node = await asyncio.create_subprocess_exec(
        "node", str(NODE / "agent.mjs"), task.url, task.model, kind, way, store, task.text,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            city = orjson.loads(await node.stdout.readline())["city"]
            out, _ = await node.communicate(orjson.dumps({"weather": task.get_weather(city)}) + b"\n")
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()
    return orjson.loads(out)


@pytest.mark.parametrize("way", ["unary", "stream"])
@pytest.mark.parametrize(("kind", "store"), [("chat", ""), ("responses", ""), ("responses", "loose"), ("messages", "")])
async def test_a_loop_survives_a_failover(task, kind, way, store):
    """By default its items of Responses are named by their ids; `loose` asks not to store them, and so sends them."""
    told = await run(task, kind, way, store)
    task.called += told["called"]
    assert f"from {task.second.name}" in told["text"]
