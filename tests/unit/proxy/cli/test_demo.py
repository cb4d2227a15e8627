"""`demo` tells its story with a real proxy."""

import asyncio

import pytest

from proxy.cli import main
from proxy.config.values import Config, ServerSettings


@pytest.mark.parametrize("code", [0, 1])
def test_demo_tells_its_story_with_a_real_proxy_and_keeps_the_log_out_of_it(monkeypatch, capfd, ask, code):
    """Its exit code is the story's."""

    async def story(start, out) -> int:
        free = ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0")
        async with start(Config({}, {}, server=free)) as (data, admin):
            status, _, _ = await asyncio.to_thread(ask, f"{data}/v1", {"model": "m", "messages": []})
            print(f"told {status} {admin.startswith('http://')}", file=out)
        return code

    monkeypatch.setattr("proxy.drill.demo.run", story)
    assert main(["demo"]) == code
    assert capfd.readouterr().out in ("told 404 True\n", "told 400 True\n")
