"""Serving without keys: every answer says that it is scripted and how to get real ones."""

import anthropic
import openai

from proxy.drill.keyless import embedded_demo


async def test_both_providers_answer_with_a_note_that_names_the_keys_to_set():
    async with embedded_demo() as config:
        chain = config.models["*"].chain
        assert [(step.provider, step.model) for step in chain] == [("alpha", "demo-large"), ("beta", "demo-claude")]
        asked = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
        async with openai.AsyncOpenAI(base_url=config.providers["alpha"].base_url, api_key="x") as client:
            first = (await client.chat.completions.create(**asked)).choices[0].message.content
        url = config.providers["beta"].base_url.removesuffix("/v1")
        async with anthropic.AsyncAnthropic(base_url=url, api_key="x") as client:
            second = (await client.messages.create(max_tokens=500, **asked)).content[0].text
        for text in (first, second):
            assert text.startswith("[This is a scripted demo answer. Set OPENAI_API_KEY or ANTHROPIC_API_KEY")
            assert text.endswith(": hi")


async def test_the_configuration_says_that_it_is_a_demo_and_is_served_on_loopback():
    async with embedded_demo() as config:
        assert config.demo
        assert all(one.demo and one.base_url.startswith("http://127.0.0.1:") for one in config.providers.values())
        assert all(one.keys for one in config.providers.values())
