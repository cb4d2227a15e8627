"""Enums of a Gemini client, by name and by number, and numbers as text."""

import pytest

from translators import gemini
from translators.faults import Malformed
from translators.ir import OutputFormat, ToolChoice

HI = [{"parts": [{"text": "Hi"}]}]


def parsed(**fields):
    return gemini.parse_request({"model": "m", "contents": HI, **fields})


def calling(mode):
    return {"tool_config": {"function_calling_config": {"mode": mode}}}


@pytest.mark.parametrize(
    ("mode", "choice"),
    [(0, None), (1, "auto"), (2, "required"), (3, "none"), ("AUTO", "auto"), ("any", "required"), (None, None)],
)
def test_a_mode_is_a_name_or_a_number(mode, choice):
    assert parsed(**calling(mode)).tool_choice == (None if choice is None else ToolChoice(choice))


def test_modalities_and_types_may_be_numbers():
    schema = {"type": 6, "properties": {"type": {"type": 1}}, "min_items": "2", "anyOf": [{"type": "INTEGER"}]}
    request = parsed(generation_config={"response_modalities": [1, "IMAGE"], "response_schema": schema})
    assert request.modalities == ("text", "image")
    plain = {
        "type": "object",
        "properties": {"type": {"type": "string"}},
        "minItems": 2,
        "anyOf": [{"type": "integer"}],
    }
    assert request.output == OutputFormat("json_schema", plain)


def test_whole_numbers_may_be_text():
    assert parsed(generationConfig={"maxOutputTokens": "100"}).max_output == 100


def config(**members):
    return {"generationConfig": members}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (calling(4), "toolConfig.functionCallingConfig.mode"),
        (calling(9), "toolConfig.functionCallingConfig.mode"),
        (calling("SOMETIMES"), "toolConfig.functionCallingConfig.mode"),
        (calling([1]), "toolConfig.functionCallingConfig.mode"),
        (config(responseModalities=[7]), "generationConfig.responseModalities"),
        (config(responseModalities="TEXT"), "generationConfig.responseModalities"),
        (config(responseSchema={"items": {"type": 99}}), "generationConfig.responseSchema.type"),
        (config(thinkingConfig={"thinkingLevel": 2}), "generationConfig.thinkingConfig.thinkingLevel"),
        (config(thinkingConfig={"thinkingLevel": "HUGE"}), "generationConfig.thinkingConfig.thinkingLevel"),
        (config(maxOutputTokens="many"), "generationConfig.maxOutputTokens"),
        ({"serviceTier": 2}, "serviceTier"),
    ],
)
def test_what_has_no_sure_meaning_is_told(fields, param):
    with pytest.raises(Malformed) as raised:
        parsed(**fields)
    assert raised.value.param == param


def test_a_level_left_open_says_nothing():
    thinking = {"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}
    assert parsed(**config(thinkingConfig=thinking)).effort is None
    assert parsed(**config(thinkingConfig={"thinkingLevel": "high"})).effort == "high"
