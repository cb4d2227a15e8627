"""A page that a browser has open may neither read answers nor leave anything behind."""

import httpx2
import pytest

from proxy.app import build
from proxy.config.values import Config, ModelRoute, Provider, ServerSettings, Step
from proxy.drill.provider import ScriptedProvider
from proxy.server import serving
from translators.ir import Dialect


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_no_web_page_is_told_that_it_may_read_and_no_cookie_is_set(method):
    asked = {"origin": "https://page.test", "access-control-request-method": "POST", "cookie": "a=b"}
    async with ScriptedProvider("alpha", Dialect.OPENAI_CHAT) as alpha, httpx2.AsyncClient(trust_env=False) as client:
        config = Config(
            {"alpha": Provider("alpha", alpha.dialect, alpha.base_url)},
            {"m": ModelRoute("m", (Step("alpha", "large"),))},
            server=ServerSettings(listen="127.0.0.1:0", admin="127.0.0.1:0", drain_s=0.2),
        )
        async with serving(config, build) as running:
            for path in ("/v1/models", "/v1/chat/completions"):
                body = {"model": "m", "messages": []}
                answer = await client.request(method, running.data_url + path, headers=asked, json=body)
                told = [name for name in answer.headers if name.startswith("access-control") or name == "set-cookie"]
                assert told == []
        assert alpha.request_count == 0
