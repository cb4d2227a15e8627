"""The Gemini dialect of a scripted provider refuses what a server would, and understands the rest."""

import pytest

from proxy.drill.gemini_ears import SKIP_SIGNATURE, hear, signature, signs
from proxy.drill.speech import Question

USER = {"role": "user", "parts": [{"text": "what weather?"}]}
TOOL = {"name": "weather", "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}}}
CALL = {"functionCall": {"id": "a1", "name": "weather", "args": {"city": "Turin"}}}
SIGNED = {**CALL, "thoughtSignature": signature("delta", CALL)}
RESULT = {"functionResponse": {"id": "a1", "name": "weather", "response": {"output": "rain"}}}
NEW, OLD = "gemini-3.6-flash", "gemini-2.5-pro"


def asked(*contents, model=NEW, **more):
    return hear({"contents": list(contents) or [USER], **more}, model, "delta", "k", stream=False)


def called(*parts):
    return {"role": "model", "parts": list(parts)}


def results(*parts):
    return {"role": "user", "parts": list(parts)}


def test_a_question_is_understood():
    question = asked(
        called({"text": "before"}),
        {"parts": [{"text": "now", "thought": True}, {"inlineData": {"mimeType": "image/png", "data": ""}}]},
        {"role": "user", "parts": [{"text": "see"}, {"fileData": {"fileUri": "gs://x"}}]},
        systemInstruction={"parts": [{"text": "good"}]},
        generationConfig={"maxOutputTokens": 9, "thinkingConfig": {"includeThoughts": True}},
        tools=[{"functionDeclarations": [TOOL, {**TOOL, "name": "clock"}]}],
        toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}},
    )
    assert (question.text, question.images, question.max_tokens) == ("see", ("image/png", "url"), 9)
    assert ([tool.name for tool in question.tools], question.forced) == (["clock"], True)
    assert (question.reasoning, question.heard) == ("shown", len("goodbefore see"))


@pytest.mark.parametrize(
    ("config", "schema"),
    [
        ({}, None),
        ({"responseMimeType": "application/json"}, {}),
        ({"responseMimeType": "application/json", "responseJsonSchema": {"type": "null"}}, {"type": "null"}),
    ],
)
def test_an_output_schema_is_one_only_as_json(config, schema):
    assert asked(generationConfig=config).schema == schema


@pytest.mark.parametrize(
    ("thinking", "reasoning"),
    [({}, "no"), ({"thinkingLevel": "LOW"}, "hidden"), ({"thinkingLevel": "LOW", "includeThoughts": True}, "shown")],
)
def test_thoughts_are_shown_where_they_are_asked_for(thinking, reasoning):
    assert asked(generationConfig={"thinkingConfig": thinking}).reasoning == reasoning


def test_no_tools_are_called_where_none_may_be():
    calling = {"functionCallingConfig": {"mode": "NONE"}}
    assert asked(tools=[{"functionDeclarations": [TOOL]}], toolConfig=calling).tools == ()


def test_results_are_counted_from_the_last_question_on():
    question = asked(USER, called(SIGNED), results(RESULT), USER, called(SIGNED), results(RESULT))
    assert (question.tool_results, question.steps) == (1, 1)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"contents": []}, "contents is not specified"),
        ({"max_tokens": 5}, '"max_tokens"'),
        ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"contents": [{"role": "user", "content": "x", "parts": [{"text": "x"}]}]}, '"content"'),
        ({"contents": [results({"text": ""})]}, "oneof field 'data'"),
        ({"contents": [results({"text": "x", "inlineData": {}})]}, "oneof field 'data'"),
        ({"contents": [results({"text": "x", "mark": "y"})]}, '"mark"'),
        ({"contents": [results({"inlineData": {"mime_type": "image/png", "data": ""}})]}, '"mime_type"'),
        ({"contents": [USER, called({"functionCall": {"name": "weather", "args": []}})]}, "function_call.args"),
        ({"contents": [results({"functionResponse": {"name": "x", "response": "y"}})]}, "function_response.response"),
        ({"systemInstruction": {"parts": [{"text": ""}]}}, "oneof field 'data'"),
        ({"continuationToken": "continue-epsilon"}, "Invalid continuation_token"),
        ({"generationConfig": {"max_output_tokens": 5}}, '"max_output_tokens"'),
        ({"generationConfig": {"maxOutputTokens": 0}}, "must be positive"),
        ({"generationConfig": {"stopSequences": list("abcdef")}}, "must not exceed 5"),
        ({"generationConfig": {"responseJsonSchema": {}, "responseSchema": {}}}, "cannot both be set"),
        ({"generationConfig": {"responseJsonSchema": {}}}, "mime type"),
        (
            {"generationConfig": {"responseJsonSchema": {"not": {}}, "responseMimeType": "application/json"}},
            '"not" at',
        ),
        ({"generationConfig": {"candidateCount": 2}}, "Multiple candidates"),
        ({"generationConfig": {"presencePenalty": 0.1}}, "Penalty"),
        ({"generationConfig": {"thinkingConfig": {"effort": "low"}}}, '"effort"'),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}}, "only one of"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "MAX"}}}, "thinking_level"),
        ({"tools": [{"functions": []}]}, '"functions"'),
        ({"tools": [{"functionDeclarations": [{**TOOL, "strict": True}]}]}, '"strict"'),
        ({"tools": [{"functionDeclarations": [{"name": "1 x"}]}]}, "Invalid function name"),
        ({"tools": [{"functionDeclarations": [TOOL]}, {"functionDeclarations": [TOOL]}]}, "Duplicate"),
        ({"tools": [{"functionDeclarations": [{**TOOL, "parameters": {}}]}]}, "cannot both be set"),
        ({"tools": [{"functionDeclarations": [{**TOOL, "parametersJsonSchema": {"const": 1}}]}]}, '"const"'),
        ({"toolConfig": {"functionCallingConfig": {"mode": "REQUIRED"}}}, "mode"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["x"]}}}, "ANY or"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}}, "subset"),
    ],
    ids=str,
)
def test_what_a_server_refuses_is_refused_by_name(body, named):
    assert named in hear({"contents": [USER], **body}, NEW, "delta", "k", stream=False)


@pytest.mark.parametrize(
    ("contents", "named"),
    [
        ([USER, called(SIGNED)], "number of function response parts"),
        ([USER, called(SIGNED), USER], "number of function response parts"),
        ([USER, called(SIGNED, CALL), results(RESULT)], "number of function response parts"),
        ([USER, results(RESULT)], "comes immediately after a function call turn"),
        ([called(SIGNED), results(RESULT)], "comes immediately after a user turn"),
        (
            [USER, called(SIGNED), results({"functionResponse": {"name": "clock", "response": {}}})],
            "names of the function responses",
        ),
        (
            [USER, called(SIGNED), results({"functionResponse": {"id": "b", "name": "weather", "response": {}}})],
            "The id of a function response",
        ),
    ],
)
def test_calls_and_results_must_fit(contents, named):
    assert named in asked(*contents)


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (SIGNED, None),
        ({**CALL, "thoughtSignature": SKIP_SIGNATURE}, None),
        (CALL, "missing a thought_signature"),
        ({**CALL, "thoughtSignature": signature("beta", CALL)}, "Corrupted"),
        ({**CALL, "thoughtSignature": "sig-beta"}, "Corrupted"),
        ({"functionCall": {**CALL["functionCall"], "args": {}}, "thoughtSignature": SIGNED["thoughtSignature"]}, "Cor"),
    ],
)
def test_the_first_call_of_a_step_bears_the_signature_it_was_given(part, named):
    heard = asked(USER, called(part), results(RESULT))
    assert isinstance(heard, Question) if named is None else named in heard


def test_only_the_first_call_of_each_step_of_the_current_turn_must_be_signed():
    two = (called(SIGNED, CALL), results(RESULT, RESULT))
    earlier = (USER, called(CALL), results(RESULT))
    assert isinstance(asked(*earlier, USER, *two), Question)
    assert "missing a thought_signature" in asked(USER, *two, called(CALL), results(RESULT))


def test_older_models_neither_sign_nor_ask_for_it():
    assert (signs(NEW), signs(OLD)) == (True, False)
    config = {"candidateCount": 2, "presencePenalty": 0.5, "thinkingConfig": {"thinkingBudget": 9}}
    heard = asked(USER, called(CALL), results(RESULT), model=OLD, generationConfig=config)
    assert (heard.n, heard.reasoning) == (2, "hidden")
    level = {"thinkingConfig": {"thinkingLevel": "LOW"}}
    assert "not supported" in asked(model=OLD, generationConfig=level)
