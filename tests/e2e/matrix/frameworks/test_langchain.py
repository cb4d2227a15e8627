"""langchain-openai, by chat and by responses, whole and streamed."""

import openai
import pytest

langchain_openai = pytest.importorskip("langchain_openai", reason="langchain-openai is missing (make test-frameworks)")


@pytest.mark.parametrize("streaming", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
async def test_a_loop_survives_a_failover(task, responses, streaming):
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool

    tools = {one.name: one for one in (tool(task.get_weather), tool(task.get_time))}
    history = [HumanMessage(task.text)]
    async with openai.DefaultAsyncHttpxClient() as http:
        llm = langchain_openai.ChatOpenAI(
            model=task.model,
            base_url=task.url,
            api_key="unused",
            max_retries=0,
            http_async_client=http,
            use_responses_api=responses,
            streaming=streaming,
        ).bind_tools(list(tools.values()))
        answer = await llm.ainvoke(history)
        while answer.tool_calls:
            said = [
                ToolMessage(tools[one["name"]].invoke(one["args"]), tool_call_id=one["id"]) for one in answer.tool_calls
            ]
            history += [answer, *said]
            answer = await llm.ainvoke(history)
    assert f"from {task.second.name}" in answer.text
