"""What errors mean, and how a stream tells one."""

import orjson
import pytest

from translators.faults import Fault, Kind
from translators.openai_responses import parse_fault, render_fault
from translators.openai_responses.faults import error_event, failed_error
from translators.profile import Profile


def fault(**error):
    return parse_fault(400, orjson.dumps({"error": {"type": "invalid_request_error", **error}}), Profile())


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("The encrypted content gAAA... could not be verified.", "invalid_encrypted_content"),
        ("Item 'rs_1' of type 'reasoning' was provided without its required following item.", None),
        ("Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.", None),
        ("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", None),
    ],
)
def test_a_refusal_of_reasoning_is_mended_by_leaving_it_out(message, code):
    assert fault(message=message, code=code).repair == "reasoning"


def test_a_refusal_to_show_reasoning_is_mended_by_not_asking_for_it():
    message = "Your organization must be verified to generate reasoning summaries. Please go to the settings."
    refused = fault(message=message, code="unsupported_value", param="reasoning.summary")
    assert (refused.kind, refused.repair) == (Kind.REFUSED, "summary")


@pytest.mark.parametrize(
    "message", ["Encrypted content is not supported with this model.", "Unsupported parameter: 'temperature'."]
)
def test_other_refusals_are_not(message):
    assert (fault(message=message).kind, fault(message=message).repair) == (Kind.REFUSED, "")


def test_a_model_that_is_missing_is_missing_though_the_status_is_400():
    assert fault(message="x", code="model_not_found", param="model").kind is Kind.MISSING


def test_a_bill_that_is_not_paid_is_no_fault_of_the_request():
    assert fault(message="You exceeded your current quota", code="insufficient_quota").kind is Kind.QUOTA


def test_errors_have_openais_shape():
    status, body = render_fault(Fault(kind=Kind.REFUSED, message="m", status=400, param="input", code="c"))
    assert status == 400
    assert orjson.loads(body) == {
        "error": {"message": "m", "type": "invalid_request_error", "param": "input", "code": "c"}
    }


def test_an_error_event_is_flat_as_documented_and_nested_as_sent():
    data = error_event(Fault(kind=Kind.OVERLOADED, message="m"), 7)
    name, line = data.decode().strip().split("\n")
    assert name == "event: error"
    told = orjson.loads(line.removeprefix("data: "))
    assert {key: told[key] for key in ("type", "sequence_number", "code", "message", "param")} == {
        "type": "error",
        "sequence_number": 7,
        "code": "overloaded",
        "message": "m",
        "param": None,
    }
    assert told["error"]["message"] == "m"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(Kind.THROTTLED, "rate_limit_exceeded"), (Kind.CONTENT, "invalid_prompt"), (Kind.SERVER, "server_error")],
)
def test_a_failed_response_bears_one_of_the_few_codes_it_may(kind, code):
    assert failed_error(Fault(kind=kind, message="m")) == {"code": code, "message": "m"}
