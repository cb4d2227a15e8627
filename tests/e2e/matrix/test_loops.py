"""A loop of two tools, each called in its turn, that fails over in the middle: every SDK, every pair of dialects.

The first provider asks for the first tool and then refuses; the second one asks for the other tool; then the first one
is back and may go on. Providers think and sign what they thought, and refuse what another one signed: so each request
must be right at once, and none is refused and asked again.
"""

import base64

import anthropic
import openai
import pytest

from proxy.drill import gemini_ears, script

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [("get_weather", CITY), ("get_time", {"type": "object", "properties": {}})]
TASK = "Use both tools, step by step."


class ChatLoop:
    """The openai SDK's chat; the client keeps what its dialect has and nothing else."""

    def __init__(self, client, model, *, stream):
        self.client, self.model, self.stream = client, model, stream
        self.history = [{"role": "user", "content": TASK}]
        self.tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name, schema in TOOLS]

    async def turn(self):
        body = {"model": self.model, "messages": self.history, "tools": self.tools, "reasoning_effort": "high"}
        if self.stream:
            async with self.client.chat.completions.stream(**body) as stream:
                answer = await stream.get_final_completion()
        else:
            answer = await self.client.chat.completions.create(**body)
        message = answer.choices[0].message
        self.history.append(self.kept(message))
        for call in message.tool_calls or ():
            self.history.append({"role": "tool", "tool_call_id": call.id, "content": "fine"})
        return [call.function.name for call in message.tool_calls or ()], message.content

    def kept(self, message):
        kept = {"role": "assistant", "content": message.content}
        if message.tool_calls:
            kept["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in message.tool_calls
            ]
        return kept


class KeepingLoop(ChatLoop):
    """The same, by a client that keeps whatever it got and sends it again, known to its dialect or not."""

    def kept(self, message):
        kept = message.model_dump(exclude_none=True, exclude={"parsed"})
        for call in kept.get("tool_calls") or ():
            call["function"].pop("parsed_arguments", None)
        return kept


class ResponsesLoop:
    """The openai SDK's responses, without any state of the provider's: every item goes back as it came."""

    def __init__(self, client, model, *, stream):
        self.client, self.model, self.stream = client, model, stream
        self.history = [{"role": "user", "content": TASK}]
        self.tools = [
            {"type": "function", "name": name, "parameters": schema, "strict": False} for name, schema in TOOLS
        ]

    async def turn(self):
        body = {
            "model": self.model,
            "input": self.history,
            "tools": self.tools,
            "reasoning": {"effort": "high", "summary": "auto"},
            "store": False,
            "include": ["reasoning.encrypted_content"],
        }
        if self.stream:
            async with self.client.responses.stream(**body) as stream:
                answer = await stream.get_final_response()
        else:
            answer = await self.client.responses.create(**body)
        self.history += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        calls = [item for item in answer.output if item.type == "function_call"]
        self.history += [{"type": "function_call_output", "call_id": one.call_id, "output": "fine"} for one in calls]
        return [call.name for call in calls], answer.output_text


class MessagesLoop:
    """The anthropic SDK's messages: every block goes back as it came."""

    def __init__(self, client, model, *, stream):
        self.client, self.model, self.stream = client, model, stream
        self.history = [{"role": "user", "content": TASK}]
        self.tools = [{"name": name, "input_schema": schema} for name, schema in TOOLS]

    async def turn(self):
        body = {
            "model": self.model,
            "messages": self.history,
            "tools": self.tools,
            "max_tokens": 4000,
            "thinking": {"type": "adaptive", "display": "summarized"},
        }
        if self.stream:
            async with self.client.messages.stream(**body) as stream:
                answer = await stream.get_final_message()
        else:
            answer = await self.client.messages.create(**body)
        calls = [block for block in answer.content if block.type == "tool_use"]
        self.history.append({"role": "assistant", "content": answer.content})
        if calls:
            told = [{"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls]
            self.history.append({"role": "user", "content": told})
        return [call.name for call in calls], "".join(block.text for block in answer.content if block.type == "text")


def signed(provider):
    """What is bound to a provider in the request that it was sent last."""
    body = provider.requests[-1].body
    if "contents" in body:
        parts = [part for content in body["contents"] for part in content["parts"]]
        return [part["thoughtSignature"] for part in parts if "functionCall" in part]
    if "input" in body:
        return [item["encrypted_content"] for item in body["input"] if item.get("type") == "reasoning"]
    blocks = [block for one in body["messages"] if isinstance(one.get("content"), list) for block in one["content"]]
    return [block["signature"] for block in blocks if block["type"] == "thinking"]


@pytest.fixture(params=["unary", "stream"])
def loop(request, pair, open_ai, claude):
    """`loop(kind)`: a loop of that SDK's, at the model of the pair."""
    kinds = {
        "chat": (ChatLoop, open_ai),
        "keeping": (KeepingLoop, open_ai),
        "responses": (ResponsesLoop, open_ai),
        "messages": (MessagesLoop, claude),
    }

    def made(kind):
        of, client = kinds[kind]
        return of(client, pair[0], stream=request.param == "stream")

    return made


SDKS = pytest.mark.parametrize("kind", ["chat", "responses", "messages"])


@SDKS
async def test_a_loop_goes_round_where_it_began(matrix, pair, loop, kind):
    _, first, second = pair
    going = loop(kind)
    assert [(await going.turn())[0] for _ in TOOLS] == [["get_weather"], ["get_time"]]
    called, text = await going.turn()
    assert called == [] and f"from {first.name}" in text
    assert (matrix.calls()[first.name], matrix.calls()[second.name]) == (3, 0)
    marks = signed(first)
    assert len(marks) == (0 if first.name == "alpha" else 2)
    assert gemini_ears.SKIP_SIGNATURE not in marks, "it made them itself"


@SDKS
async def test_a_loop_that_fails_over_in_the_middle_ends_well_at_the_second(matrix, pair, loop, kind):
    _, first, second = pair
    going = loop(kind)
    assert (await going.turn())[0] == ["get_weather"]
    first.script = script.status(503)
    assert (await going.turn())[0] == ["get_time"]
    called, text = await going.turn()
    assert called == [] and f"from {second.name}" in text
    assert matrix.calls()[second.name] == 2, "none was refused and asked again"


@SDKS
async def test_a_loop_that_was_elsewhere_comes_back_and_goes_on(matrix, pair, loop, kind):
    """The history now holds what each of the two signed; the second keeps the loop while it is well."""
    _, first, second = pair
    going = loop(kind)
    assert (await going.turn())[0] == ["get_weather"]
    first.script = script.status(503)
    assert (await going.turn())[0] == ["get_time"]
    first.script, second.script = script.ok(), script.status(503)
    before = matrix.calls()[first.name]
    called, text = await going.turn()
    assert called == [] and f"from {first.name}" in text
    assert matrix.calls()[first.name] == before + 1, "none was refused and asked again"


@pytest.mark.parametrize("kind", ["keeping", "responses", "messages"])
async def test_a_loop_whose_provider_dies_in_the_middle_of_an_answer_goes_on_elsewhere_and_comes_back(pair, loop, kind):
    """A client that has seen half an answer is told so and asks again; one that has seen nothing hears of nothing."""
    _, first, second = pair
    going = loop(kind)
    assert (await going.turn())[0] == ["get_weather"]
    first.script = script.cut(after=1)
    if going.stream:
        with pytest.raises((openai.APIError, anthropic.APIError), match="broke off its answer"):
            await going.turn()
        first.script = script.refuse()
    assert (await going.turn())[0] == ["get_time"]
    assert second.requests
    first.script, second.script = script.ok(), script.refuse()
    called, text = await going.turn()
    assert called == [] and f"from {first.name}" in text
    for one, other in ((first, second), (second, first)):
        assert not any(blob in str(heard.body) for heard in one.requests for blob in blobs(other))


def blobs(provider) -> list[str]:
    """How what a provider binds to itself begins, in every dialect."""
    named = f"sig-{provider.name}"
    return [named, f"enc-{provider.name}", base64.b64encode(named.encode())[: len(named) // 3 * 4].decode()]
