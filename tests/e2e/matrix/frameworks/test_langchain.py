"""langchain-openai, by chat and by responses, whole and streamed."""

import pytest

langchain_openai = pytest.importorskip("langchain_openai", reason="langchain-openai: make test-frameworks installs it")

from langchain_core.messages import HumanMessage, ToolMessage  # noqa: E402 - only where it is installed
from langchain_core.tools import tool  # noqa: E402


@pytest.mark.parametrize("streaming", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
async def test_a_loop_survives_a_failover(task, responses, streaming):
    llm = langchain_openai.ChatOpenAI(
        model=task.model,
        base_url=task.url,
        api_key="unused",
        max_retries=0,
        use_responses_api=responses,
        streaming=streaming,
    )
    tools = {one.name: one for one in (tool(task.get_weather), tool(task.get_time))}
    history = [HumanMessage(task.text)]
    while True:
        answer = await llm.bind_tools(list(tools.values())).ainvoke(history)
        history.append(answer)
        if not answer.tool_calls:
            break
        for call in answer.tool_calls:
            history.append(ToolMessage(tools[call["name"]].invoke(call["args"]), tool_call_id=call["id"]))
    task.check(answer.text if isinstance(answer.text, str) else answer.text())
