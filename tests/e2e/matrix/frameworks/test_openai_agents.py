"""openai-agents: its runner over chat and responses, whole and streamed."""

import openai
import pytest

agents = pytest.importorskip("agents", reason="openai-agents is missing (make test-frameworks)")


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("kind", ["chat", "responses"])
async def test_a_loop_survives_a_failover(task, kind, stream):
    agents.set_tracing_disabled(disabled=True)
    async with openai.AsyncOpenAI(base_url=task.url, api_key="unused", max_retries=0) as client:
        of = agents.OpenAIChatCompletionsModel if kind == "chat" else agents.OpenAIResponsesModel
        agent = agents.Agent(
            name="helper",
            instructions="Be brief.",
            model=of(model=task.model, openai_client=client),
            tools=[agents.function_tool(task.get_weather), agents.function_tool(task.get_time)],
        )
        if stream:
            run = agents.Runner.run_streamed(agent, task.text)
            async for _ in run.stream_events():
                pass
        else:
            run = await agents.Runner.run(agent, task.text)
    assert f"from {task.second.name}" in run.final_output
