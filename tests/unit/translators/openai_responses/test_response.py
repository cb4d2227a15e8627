"""The response object made of an answer of another dialect."""

import pytest
from openai.types.responses import Response

from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import Finish, Usage
from translators.openai_responses import response


def made(echo, **more):
    context = Context(id="resp_1", created=5, model="m", echo=echo)
    ending = response.ended(Finish.STOP, [], Usage(1, 2), None)
    return {**response.head(context), **ending, **response.echo(context), **more}


def test_nothing_asked_is_answered_with_the_defaults():
    told = made({})
    Response.model_validate(told)
    assert (told["tool_choice"], told["tools"], told["parallel_tool_calls"]) == ("auto", [], True)
    assert (told["text"], told["reasoning"]) == ({"format": {"type": "text"}}, {"effort": None, "summary": None})
    assert (told["metadata"], told["temperature"], "user" in told) == ({}, None, False)


def test_what_a_translation_does_not_do_is_said():
    told = made({"store": True, "truncation": "auto", "background": False, "previous_response_id": "x"})
    assert (told["store"], told["truncation"], told["previous_response_id"]) == (False, "disabled", None)


def test_what_was_asked_is_repeated():
    echo = {
        "instructions": "i",
        "max_output_tokens": 20,
        "text": {"verbosity": "low", "format": None},
        "reasoning": {"effort": "low"},
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [{"type": "function", "name": "f", "strict": True}, {"type": "custom", "name": "g"}],
        "parallel_tool_calls": False,
        "user": "u",
        "metadata": {"a": "b"},
    }
    told = made(echo)
    Response.model_validate(told)
    assert told["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert told["reasoning"] == {"effort": "low", "summary": None}
    assert (told["tools"][0]["strict"], told["tools"][1]) == (True, {"type": "custom", "name": "g"})
    assert (told["parallel_tool_calls"], told["user"], told["metadata"]) == (False, "u", {"a": "b"})


@pytest.mark.parametrize(("tier", "told"), [("priority", "priority"), ("standard", None), (None, None)])
def test_a_tier_of_another_vendor_is_not_told(tier, told):
    assert response.ended(Finish.STOP, [], None, tier).get("service_tier") == told


def test_a_failed_answer_fits_the_sdk():
    failed = response.broken(Fault(kind=Kind.TIMEOUT, message="too late"), [])
    told = made({}, **failed)
    Response.model_validate(told)
    assert (told["status"], told["error"]["message"], told["usage"]) == ("failed", "too late", None)
