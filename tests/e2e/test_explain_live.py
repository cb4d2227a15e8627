"""`explain --admin` beside the proxy it asks: what it says is what the next request does."""

import asyncio
import json
import os
import re
import sys
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from proxy.app import build
from proxy.config.listeners import Overrides
from proxy.config.load import load
from proxy.drill.provider import ScriptedProvider
from proxy.drill.script import ok, status
from proxy.server import serving
from translators.ir import Dialect

ROOT = Path(__file__).parents[2]
ENTRY = "import sys; from proxy.cli import main; sys.exit(main())"
TOKEN = "adm-canary-31"
CONFIG = """
[admin]
token_sha256 = ["{digest}"]
[retry]
attempts_per_target = 1
[breaker]
consecutive_failures = 2
[providers.alpha]
dialect = "openai-chat"
base_url = "{alpha}"
[providers.beta]
dialect = "anthropic-messages"
base_url = "{beta}"
keys = ["env:BETA_ONE", "env:BETA_TWO"]
[models.m]
chain = ["alpha/demo-large", "beta/demo-claude"]
"""
ENV = {"BETA_ONE": "sk-one", "BETA_TWO": "sk-two", "ADMIN_TOKEN": TOKEN}


@pytest.fixture
async def world(tmp_path):
    """The scripted providers, the running proxy's addresses, and `explain` with more arguments."""
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha,
        ScriptedProvider("beta", Dialect.ANTHROPIC_MESSAGES, model="demo-claude") as beta,
    ):
        file = tmp_path / "c.toml"
        digest = sha256(TOKEN.encode()).hexdigest()
        file.write_text(CONFIG.format(alpha=alpha.base_url, beta=beta.base_url, digest=digest))
        loaded = await asyncio.to_thread(load, str(file), ENV, Overrides(port=0, admin="127.0.0.1:0"))

        async def explain(admin, *more):
            done = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", ENTRY, "explain", "--model", "m", "--config", str(file)),
                *("--admin", admin, "--admin-token", "env:ADMIN_TOKEN", *more),
                env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **ENV},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await done.communicate()
            assert (done.returncode, err) == (0, b"")
            return out.decode()

        async with serving(loaded.config, build) as running:
            yield alpha, beta, running, explain


async def chat(running):
    async with httpx2.AsyncClient() as client:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
        return await client.post(f"{running.data_url}/v1/chat/completions", json=body)


async def test_a_healthy_proxy_stands_as_the_plan_says(world):
    _, _, running, explain = world
    told = json.loads(await explain(running.admin_url, "--json"))
    assert [row["verdict"] for row in told["now"]["rows"]] == ["tried", "tried"]
    assert told["now"]["worst_case_s"] == told["worst_case_s"]
    assert told["rows"][0]["settings"]["retry"]["attempts_per_target"] == {"value": 1, "origin": "top level"}


async def test_an_open_breaker_and_a_refused_key_change_what_is_explained_and_what_is_done(world):
    alpha, beta, running, explain = world
    alpha.script = status(503)
    beta.script = status(401).then(ok())
    for _ in range(2):
        await chat(running)
    text = await explain(running.admin_url)
    now = text[text.index(f"now, by {running.admin_url}") :]
    assert "\n  1. alpha/demo-large: skipped, its breaker is open for " in now
    assert "\n     OPEN; 0 in flight; opened by failures in a row" in now
    assert "\n  2. beta/demo-claude: tried, those before it are skipped; 1 attempt\n" in now
    assert re.search(r"env:BETA_ONE: refused, off for \d+ s; env:BETA_TWO: free, 0 in flight", now)
    assert "\nat most 1 attempt, at worst " in now
    assert "sk-one" not in text and TOKEN not in text
    before = alpha.request_count
    answer = await chat(running)
    assert (answer.status_code, answer.headers["x-sidestep-provider"]) == (200, "beta")
    assert alpha.request_count == before
