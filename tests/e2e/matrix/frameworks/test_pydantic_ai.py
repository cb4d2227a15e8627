"""pydantic-ai: its agents over chat, responses and messages, whole and streamed."""

import anthropic
import openai
import pytest

pydantic_ai = pytest.importorskip("pydantic_ai", reason="pydantic-ai is missing (make test-frameworks)")


def model_of(kind, task):
    """A model of pydantic-ai's, and the client of the vendor's SDK under it."""
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    if kind == "messages":
        url = task.url.removesuffix("/v1")
        claude = anthropic.AsyncAnthropic(api_key="unused", base_url=url, max_retries=0)
        return AnthropicModel(task.model, provider=AnthropicProvider(anthropic_client=claude)), claude
    client = openai.AsyncOpenAI(base_url=task.url, api_key="unused", max_retries=0)
    of = OpenAIChatModel if kind == "chat" else OpenAIResponsesModel
    return of(task.model, provider=OpenAIProvider(openai_client=client)), client


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
async def test_a_loop_survives_a_failover(task, kind, stream):
    model, client = model_of(kind, task)
    async with client:
        agent = pydantic_ai.Agent(model, tools=[task.get_weather, task.get_time])
        if stream:
            async with agent.run_stream(task.text) as running:
                text = await running.get_output()
        else:
            text = (await agent.run(task.text)).output
    assert f"from {task.second.name}" in text
