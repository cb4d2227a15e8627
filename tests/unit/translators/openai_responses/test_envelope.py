"""What must be right of a request whatever comes later, and what ties one to a provider."""

import pytest

from translators.faults import Malformed
from translators.openai_responses import Pin, check_envelope, pinned_by


def test_the_envelope_tells_what_the_proxy_works_with():
    envelope = check_envelope({"model": "m", "input": "hi", "stream": True, "reasoning": {"effort": "low"}})
    assert (envelope.model, envelope.stream, envelope.include_usage, envelope.thinks) == ("m", True, True, True)
    assert check_envelope({"model": "m", "input": "hi", "reasoning": {"effort": "none"}}).thinks is False
    assert check_envelope({"model": "m", "input": [{"role": "user", "content": "hi"}]}).thinks is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ({"input": "hi"}, "model"),
        ({"model": "", "input": "hi"}, "model"),
        ({"model": "m" * 300, "input": "hi"}, "model"),
        ({"model": "m"}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": 3}, "input"),
        ({"model": "m", "input": ["hi"]}, "input[0]"),
        ({"model": "m", "input": [{}] * 16_385}, "input"),
        ({"model": "m", "input": "hi", "stream": "yes"}, "stream"),
        ({"model": "m", "input": "hi", "max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_what_is_wrong_is_named(body, param):
    with pytest.raises(Malformed) as caught:
        check_envelope(body)
    assert caught.value.param == param


def test_unknown_fields_and_items_pass():
    check_envelope({"model": "m", "input": [{"type": "tomorrow", "x": 1}], "novel": {"a": []}})


@pytest.mark.parametrize("stored", [{"previous_response_id": "resp_1"}, {"conversation": "c"}, {"prompt": {"id": "p"}}])
def test_a_request_that_goes_on_from_something_stored_needs_no_input(stored):
    assert check_envelope({"model": "m", **stored}).model == "m"


@pytest.mark.parametrize(
    ("fields", "pin"),
    [
        ({"previous_response_id": "resp_1"}, Pin("previous_response_id", "resp_1")),
        ({"conversation": {"id": "conv_1"}}, Pin("conversation", "conv_1")),
        ({"conversation": "conv_1"}, Pin("conversation", "conv_1")),
        ({"prompt": {"id": "pmpt_1", "version": "2"}}, Pin("prompt", "pmpt_1")),
        ({"background": True}, Pin("background", "")),
        (
            {"input": [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "rs_1"}]},
            Pin("input[1].id", "rs_1"),
        ),
        ({"input": [{"id": "msg_1"}]}, Pin("input[0].id", "msg_1")),
        ({"previous_response_id": None, "background": False, "input": "x"}, None),
        ({"input": [{"type": "message", "id": "msg_1", "role": "user", "content": "x"}]}, None),
    ],
)
def test_what_ties_a_request_to_one_provider_is_named_with_its_id(fields, pin):
    assert pinned_by({"model": "m", **fields}) == pin
