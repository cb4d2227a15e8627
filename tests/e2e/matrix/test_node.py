"""The openai package for Node against every dialect of provider, and through every failover."""

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

NODE = Path(__file__).parents[1] / "node"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE / "node_modules" / "openai").is_dir(),
    reason="Node or its openai package is missing (npm ci in tests/e2e/node)",
)


@pytest.fixture(scope="session")
async def node(shared_matrix):
    """A client that stays for all tests: to start one takes longer than all that it asks."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec("node", str(NODE / "every.mjs"), shared_matrix.url, **pipes)
    yield process
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_every_way_of_asking_gets_its_answer(node, route):
    node.stdin.write(f"{route.model}\n".encode())
    out = await asyncio.wait_for(node.stdout.readline(), 60)
    text, used = f"demo answer from {route.served}: hello there", f"demo answer from {route.served}: what time is it? "
    told = orjson.loads(out)
    assert told.pop("chat") == {"text": text, "finish": "stop"}
    streamed = told.pop("chatStream")
    assert streamed["text"] == text and streamed["pieces"] > 1 and streamed["tokens"] > 5
    assert told.pop("responses") == {"text": text, "status": "completed"}
    assert told.pop("responsesStream") == {"text": text, "same": True, "status": "completed"}
    assert told.pop("chatParse") == told.pop("responsesParse") == ["age", "name"]
    loop = {"text": used + "I have 1 tool result.", "asked": 1}
    assert told.pop("chatTools") == told.pop("responsesTools") == loop
    assert told == {}
