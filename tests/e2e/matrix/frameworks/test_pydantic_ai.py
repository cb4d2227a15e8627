"""pydantic-ai: its agents over chat, responses and messages, whole and streamed."""

import pytest

pytest.importorskip("pydantic_ai", reason="pydantic-ai: make test-frameworks installs it")

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


def model_of(kind, task):
    if kind == "messages":
        provider = AnthropicProvider(api_key="unused", base_url=task.url.removesuffix("/v1"))
        return AnthropicModel(task.model, provider=provider)
    of = OpenAIChatModel if kind == "chat" else OpenAIResponsesModel
    return of(task.model, provider=OpenAIProvider(base_url=task.url, api_key="unused"))


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
async def test_a_loop_survives_a_failover(task, kind, stream):
    agent = Agent(model_of(kind, task), tools=[task.get_weather, task.get_time])
    if stream:
        async with agent.run_stream(task.text) as running:
            text = await running.get_output()
    else:
        text = (await agent.run(task.text)).output
    task.check(text)
