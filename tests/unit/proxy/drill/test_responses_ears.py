"""Responses of a scripted provider: what a server would refuse is refused, and the rest is understood."""

import pytest

from proxy.drill.responses_ears import hear
from proxy.drill.speech import Question

USER = {"role": "user", "content": "what weather?"}
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TOOL = {"type": "function", "name": "weather", "parameters": STRICT, "strict": True}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "rain"}


def asked(**body):
    return hear({"model": "m", "input": [USER], **body}, "", "epsilon", "k")


def thought(**more):
    return {"type": "reasoning", "id": "rs_1", "summary": [], **more}


def test_a_question_is_understood():
    parts = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,"}]
    question = asked(
        instructions="good",
        input=[USER, {"type": "message", "role": "user", "content": parts}],
        tools=[TOOL, {**TOOL, "name": "clock"}, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "clock"},
        max_output_tokens=16,
        reasoning={"effort": "high", "summary": "auto"},
        include=["reasoning.encrypted_content"],
        store=False,
    )
    assert (question.key, question.text, question.images) == ("epsilon_loose_k", "see", ("image/png",))
    assert ([tool.name for tool in question.tools], question.forced) == (["clock"], True)
    assert (question.reasoning, question.sealed, question.max_tokens) == ("shown", True, 16)
    assert question.heard == len("goodwhat weather?see")


def test_a_string_is_a_users_message():
    assert asked(input="hello").text == "hello"


@pytest.mark.parametrize(
    ("form", "schema"),
    [({"type": "text"}, None), ({"type": "json_object"}, {}), ({"type": "json_schema", "name": "x", "schema": {}}, {})],
)
def test_an_output_schema_is_understood(form, schema):
    assert asked(text={"format": form}).schema == schema


@pytest.mark.parametrize(("effort", "reasoning"), [(None, "no"), ("none", "no"), ("low", "hidden")])
def test_reasoning_is_hidden_without_a_summary(effort, reasoning):
    assert asked(reasoning={"effort": effort}).reasoning == reasoning


def test_results_are_counted_from_the_last_question_on():
    question = asked(input=[USER, CALL, RESULT, USER, CALL, RESULT])
    assert (question.tool_results, question.steps) == (1, 1)


def test_tools_that_may_not_be_called_are_not():
    assert asked(tools=[TOOL], tool_choice="none").tools == ()
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]}
    assert len(asked(tools=[TOOL, {**TOOL, "name": "clock"}], tool_choice=allowed).tools) == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"model": None}, "model parameter"),
        ({"input": []}, "must be provided"),
        ({"max_tokens": 5}, "'max_tokens'"),
        ({"stop": ["x"]}, "'stop'"),
        ({"stream": True, "stream_options": {"include_usage": True}}, "'stream_options.include_usage'"),
        ({"stream_options": {"include_obfuscation": False}}, "only allowed when 'stream'"),
        ({"reasoning": {"level": 1}}, "'reasoning.level'"),
        ({"max_output_tokens": 15}, ">= 16"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name"),
        (
            {"text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}}},
            "additionalProperties",
        ),
        ({"text": {"format": {"type": "text", "json_schema": {}}}}, "'text.format.json_schema'"),
        ({"previous_response_id": "resp_other_1"}, "not found"),
        ({"previous_response_id": "resp_epsilon_loose_1"}, "not found"),
        ({"input": [{"type": "tool", "content": "x"}]}, "Invalid value: 'tool'"),
        ({"input": [{**USER, "name": "ann"}]}, "'input[0].name'"),
        ({"input": [{**USER, "role": "tool"}]}, "Invalid value: 'tool'"),
        ({"input": [{**USER, "content": 7}]}, "input[0].content"),
        ({"input": [{**USER, "content": [{"type": "output_text", "text": "x"}]}]}, "'output_text'"),
        ({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}, "'input_text'"),
        ({"input": [{**USER, "content": [{"type": "input_text", "text": "x", "y": 1}]}]}, "y'"),
        ({"input": [{**CALL, "id": "call_1"}, RESULT]}, "begins with 'fc'"),
        ({"input": [{**CALL, "call_id": "c" * 65}]}, "maximum length 64"),
        ({"input": [{**CALL, "arguments": {}}, RESULT]}, "input[0].arguments"),
        ({"input": [CALL, {**RESULT, "output": [{"type": "text", "text": "x"}]}]}, "Invalid value: 'text'"),
        ({"input": [CALL]}, "No tool output found"),
        ({"input": [RESULT]}, "No tool call found"),
        ({"input": [thought(summary=None)]}, "summary"),
        ({"input": [thought()]}, "Items are not persisted"),
        ({"input": [thought(id="rs_epsilon_loose_k")]}, "Items are not persisted"),
        ({"input": [thought(encrypted_content="enc-other")]}, "could not be verified"),
        ({"input": [{"type": "item_reference", "id": "rs_other_1"}]}, "not found"),
        ({"tools": [{"type": "function", "function": {}, "name": "x"}]}, "'tools[0].function'"),
        ({"tools": [TOOL, TOOL]}, "Duplicate"),
        ({"tools": [{**TOOL, "parameters": {**STRICT, "required": []}}]}, "every key"),
        ({"tools": [{**TOOL, "parameters": {**STRICT, "properties": {"a": {"type": "object"}}}}]}, "additionalProp"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "x"}}, "not found in 'tools'"),
    ],
    ids=str,
)
def test_what_a_server_refuses_is_refused_by_name(body, named):
    assert named in asked(**body)


@pytest.mark.parametrize(
    "item",
    [
        thought(encrypted_content="enc-epsilon"),
        thought(id="rs_epsilon_k"),
        {"type": "item_reference", "id": "rs_epsilon_k"},
    ],
    ids=str,
)
def test_what_it_made_itself_is_known_to_it(item):
    assert isinstance(asked(input=[USER, item]), Question)


def test_an_earlier_answer_holds_the_call_of_a_result():
    assert asked(input=[RESULT], previous_response_id="resp_epsilon_1").tool_results == 1
