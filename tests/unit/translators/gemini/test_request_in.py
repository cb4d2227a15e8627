"""A Gemini client's request."""

import pytest

from translators import gemini
from translators.faults import Malformed
from translators.gemini.request_in import plain_schema
from translators.ir import Message, OutputFormat, Text, Tool, ToolChoice

HI = [{"parts": [{"text": "Hi"}]}]


def parsed(**fields):
    return gemini.parse_request({"model": "m", "contents": HI, **fields})


def test_the_envelope_has_what_the_edge_put_in():
    envelope = gemini.check_envelope({"model": "m", "stream": True, "contents": HI})
    assert (envelope.model, envelope.stream, envelope.include_usage, envelope.thinks) == ("m", True, True, None)


@pytest.mark.parametrize(
    ("thinking", "thinks"),
    [
        ({"thinkingBudget": 0}, False),
        ({"thinking_budget": 9}, True),
        ({"thinkingLevel": "LOW"}, True),
        ({}, None),
        (3, None),
    ],
)
def test_the_envelope_tells_whether_the_model_thinks(thinking, thinks):
    config = {"thinking_config": thinking}
    assert gemini.check_envelope({"model": "m", "contents": HI, "generation_config": config}).thinks is thinks


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (3, None),
        ({"contents": HI}, "model"),
        ({"model": "m"}, "contents"),
        ({"model": "m", "contents": []}, "contents"),
        ({"model": "m", "contents": HI, "stream": 1}, "stream"),
    ],
)
def test_a_bad_envelope_is_told(body, param):
    with pytest.raises(Malformed) as raised:
        gemini.check_envelope(body)
    assert raised.value.param == param


def test_every_field_of_the_configuration_has_its_word():
    config = {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4.0,
        "candidateCount": 2,
        "stopSequences": ["a"],
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseModalities": ["TEXT"],
        "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True},
        "speechConfig": {"a": 1},
    }
    got = parsed(generationConfig=config, serviceTier="standard", safetySettings=[])
    assert (got.max_output, got.temperature, got.top_p, got.top_k, got.n, got.stop) == (9, 0.5, 0.9, 4, 2, ("a",))
    assert (got.seed, got.presence_penalty, got.frequency_penalty) == (7, 0.1, 0.2)
    assert (got.logprobs, got.top_logprobs, got.modalities) == (True, 3, ("text",))
    assert (got.effort, got.reasoning_summary, got.service_tier) == ("low", "auto", "default")
    assert got.extra == {"safetySettings": [], "generationConfig": {"speechConfig": {"a": 1}}}


@pytest.mark.parametrize(("budget", "effort", "tokens"), [(0, "none", None), (-1, None, None), (900, None, 900)])
def test_a_budget(budget, effort, tokens):
    got = parsed(generationConfig={"thinkingConfig": {"thinkingBudget": budget}})
    assert (got.effort, got.thinking_budget) == (effort, tokens)


@pytest.mark.parametrize(
    "instruction", ["Be brief.", {"parts": [{"text": "Be brief."}]}, {"parts": {"text": "Be brief."}}]
)
def test_the_instruction_is_a_system_message(instruction):
    assert parsed(system_instruction=instruction).items[0] == Message("system", (Text("Be brief."),))
    assert len(parsed(systemInstruction={}).items) == 1


def test_functions_search_and_what_google_runs():
    declared = {"name": "f", "description": "D.", "parameters_json_schema": {"type": "object"}, "behavior": "BLOCKING"}
    old = {"name": "g", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}}}
    got = parsed(tools=[{"function_declarations": [declared, old]}, {"googleSearch": {}, "urlContext": {}}])
    assert got.tools == (
        Tool("f", "D.", {"type": "object"}, extra={"behavior": "BLOCKING"}),
        Tool("g", None, {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}),
    )
    assert (got.web_search, got.extra) == ({}, {"tools": {"tools[1]": {"urlContext": {}}}})
    assert parsed(tools={"googleSearch": {"x": 1}}).extra == {"tools": {"tools[0]": {"googleSearch": {"x": 1}}}}


@pytest.mark.parametrize(
    ("config", "choice", "strict"),
    [
        ({}, None, None),
        ({"mode": "AUTO"}, ToolChoice("auto"), None),
        ({"mode": "NONE"}, ToolChoice("none"), None),
        ({"mode": "ANY"}, ToolChoice("required"), None),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("named", ("f",)), None),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, ToolChoice("allowed", ("f", "g"), required=True), None),
        ({"mode": "VALIDATED", "allowed_function_names": ["f"]}, ToolChoice("allowed", ("f",)), None),
        ({"mode": "VALIDATED"}, ToolChoice("auto"), True),
    ],
)
def test_every_mode_is_a_choice(config, choice, strict):
    tools = [{"functionDeclarations": [{"name": "f"}]}]
    got = parsed(tools=tools, toolConfig={"functionCallingConfig": config, "x": 1})
    assert (got.tool_choice, got.tools[0].strict) == (choice, strict)
    assert got.extra == {"toolConfig": {"x": 1}}


@pytest.mark.parametrize(
    ("config", "output"),
    [
        ({}, None),
        ({"responseMimeType": "text/plain"}, None),
        ({"responseMimeType": "application/json"}, OutputFormat("json_object")),
        ({"responseJsonSchema": {"type": "array"}}, OutputFormat("json_schema", {"type": "array"})),
        ({"responseSchema": {"type": "ARRAY"}}, OutputFormat("json_schema", {"type": "array"})),
    ],
)
def test_the_form_of_an_answer(config, output):
    assert parsed(generationConfig=config).output == output


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"systemInstruction": 3}, "systemInstruction"),
        ({"generationConfig": 3}, "generationConfig"),
        ({"generationConfig": {"temperature": "a"}}, "generationConfig.temperature"),
        ({"generationConfig": {"maxOutputTokens": True}}, "generationConfig.maxOutputTokens"),
        ({"generationConfig": {"stopSequences": "a"}}, "generationConfig.stopSequences"),
        ({"generationConfig": {"thinkingConfig": 3}}, "generationConfig.thinkingConfig"),
        ({"generationConfig": {"responseMimeType": "text/x.enum"}}, "generationConfig.responseMimeType"),
        ({"tools": 3}, "tools"),
        ({"tools": [3]}, "tools[0]"),
        ({"tools": [{"functionDeclarations": 3}]}, "tools[0].functionDeclarations"),
        ({"tools": [{"functionDeclarations": [3]}]}, "tools[0].functionDeclarations[0]"),
        ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": 3}]}]},
            "tools[0].functionDeclarations[0].parametersJsonSchema",
        ),
        ({"toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}}, "toolConfig.functionCallingConfig.mode"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(fields, param):
    with pytest.raises(Malformed) as raised:
        parsed(**fields)
    assert raised.value.param == param


def test_an_older_schema_that_has_no_end_is_left_as_it_is():
    deep = {"type": "STRING"}
    for _ in range(400):
        deep = {"items": deep, "anyOf": [{"type": "NULL"}]}
    assert plain_schema(deep, "x")["anyOf"] == [{"type": "null"}]
