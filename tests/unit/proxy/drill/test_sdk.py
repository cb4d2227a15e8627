"""The demo's requests through the openai SDK see what the project's own client sees."""

from contextlib import aclosing

import pytest

from proxy.drill import script as scripts
from proxy.drill.load import KINDS, ask
from proxy.drill.provider import ScriptedProvider
from proxy.drill.sdk import SdkClient
from translators.ir import Dialect


async def both(script, kind):
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, script) as provider,
        aclosing(SdkClient(provider.base_url)) as client,
    ):
        return await client.ask(kind), await ask(provider.base_url, kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_request_is_answered_alike(kind):
    by_sdk, by_us = await both(scripts.ok(headers={"x-sidestep-provider": "a", "x-sidestep-model": "b"}), kind)
    assert by_sdk.ok
    assert (by_sdk.text, by_sdk.status, by_sdk.served_by) == (by_us.text, by_us.status, by_us.served_by)
    assert (by_sdk.first_token_s is None) == (by_us.first_token_s is None)


@pytest.mark.parametrize(
    "script",
    [
        scripts.status(503),
        scripts.cut(1),
        scripts.truncated(),
        scripts.overloaded_event(1),
        scripts.cut_before_headers(),
    ],
    ids=str,
)
async def test_a_broken_stream_is_not_ok(script):
    by_sdk, by_us = await both(script, "stream")
    assert not by_sdk.ok
    assert by_sdk.error
    assert not by_us.ok


async def test_a_failing_request_is_sent_once():
    async with (
        ScriptedProvider("alpha", Dialect.OPENAI_CHAT, scripts.status(503)) as provider,
        aclosing(SdkClient(provider.base_url)) as client,
    ):
        assert not (await client.ask("unary")).ok
        assert provider.request_count == 1
