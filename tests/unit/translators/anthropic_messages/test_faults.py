"""Errors of the Messages API, classified by body before status, and told in its shape."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.anthropic_messages import parse_fault, render_fault
from translators.faults import Fault, Kind
from translators.profile import Profile


def read(status, named=None, message="secret detail", code=None, **error):
    details = {"details": {"error_code": code}} if code else {}
    named = {"type": named} if named else {}
    body = {"type": "error", "error": {**named, "message": message, **details, **error}, "request_id": "req_1"}
    return parse_fault(status, orjson.dumps(body), Profile())


@pytest.mark.parametrize(
    ("status", "named", "kind"),
    [
        (400, "invalid_request_error", Kind.REFUSED),
        (401, "authentication_error", Kind.AUTH),
        (402, "billing_error", Kind.QUOTA),
        (403, "permission_error", Kind.AUTH),
        (404, "not_found_error", Kind.MISSING),
        (409, "conflict_error", Kind.SERVER),
        (413, "request_too_large", Kind.TOO_LONG),
        (429, "rate_limit_error", Kind.THROTTLED),
        (500, "api_error", Kind.SERVER),
        (504, "timeout_error", Kind.SERVER),
        (529, "overloaded_error", Kind.OVERLOADED),
        (200, "overloaded_error", Kind.OVERLOADED),
        (500, "invalid_request_error", Kind.REFUSED),
    ],
)
def test_the_type_decides_whatever_the_status(status, named, kind):
    fault = read(status, named)
    assert (fault.kind, fault.status, fault.type) == (kind, status, named)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("prompt is too long: 250000 tokens > 200000 maximum", Kind.TOO_LONG),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", Kind.TOO_LONG),
        ("Your credit balance is too low to access the Anthropic API.", Kind.QUOTA),
        ("You have reached your specified workspace API usage limits.", Kind.QUOTA),
        ("Output blocked by content filtering policy", Kind.CONTENT),
        ("max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens", Kind.REFUSED),
        ("This model does not support assistant message prefill.", Kind.REFUSED),
    ],
)
def test_telling_phrases_outrank_the_type_of_a_refusal(message, kind):
    assert read(400, "invalid_request_error", message).kind is kind


def test_talk_of_tokens_in_a_rate_limit_is_about_the_rate():
    assert read(429, "rate_limit_error", "20,000 input tokens per minute. prompt is too long").kind is Kind.THROTTLED
    assert read(529, "overloaded_error", "prompt is too long").kind is Kind.OVERLOADED
    message = "Extra usage is required for long context requests."
    assert read(429, "rate_limit_error", message).kind is Kind.TOO_LONG


@pytest.mark.parametrize("named", ["invalid_request_error", "rate_limit_error"])
def test_money_that_is_spent_is_a_quota_at_any_status_and_the_bill_is_not_told(named):
    fault = read(429, named, "Your credit balance is too low to access the Anthropic API.")
    assert fault.kind is Kind.QUOTA
    assert "credit" not in fault.message
    assert read(429, named, "Slow down.").kind is Kind.THROTTLED


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "contract_spend_limit_reached", Kind.QUOTA),
        (429, "enforced_spend_limit_reached", Kind.QUOTA),
        (429, "ramp_limit_exceeded", Kind.THROTTLED),
        (402, "linked_organization_billing_unavailable", Kind.QUOTA),
        (400, "organization_on_hold", Kind.AUTH),
        (400, "cmek_key_disabled", Kind.AUTH),
        (503, "cmek_key_unreachable", Kind.SERVER),
        (529, "compaction_unavailable", Kind.OVERLOADED),
    ],
)
def test_a_stable_code_outranks_everything(status, code, kind):
    fault = read(status, "invalid_request_error", code=code)
    assert (fault.kind, fault.code) == (kind, code)


def test_a_gateway_that_puts_the_type_into_the_code_is_understood():
    body = b'{"error": {"code": "rate_limit_error", "message": "20,000 input tokens per minute"}}'
    assert parse_fault(400, body, Profile()).kind is Kind.THROTTLED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.REFUSED),
        (401, Kind.AUTH),
        (402, Kind.QUOTA),
        (403, Kind.AUTH),
        (404, Kind.MISSING),
        (408, Kind.SERVER),
        (413, Kind.TOO_LONG),
        (422, Kind.REFUSED),
        (429, Kind.THROTTLED),
        (500, Kind.SERVER),
        (502, Kind.SERVER),
        (503, Kind.OVERLOADED),
        (529, Kind.OVERLOADED),
    ],
)
@pytest.mark.parametrize("body", [b"", b"Bad gateway", b'{"error": []}', b"\xff", b"[" * 100_000])
def test_without_a_body_to_read_the_status_decides(status, kind, body):
    assert parse_fault(status, body, Profile()).kind is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(502, Kind.SERVER), (429, Kind.THROTTLED), *((one, Kind.PROTOCOL) for one in (400, 401, 403, 404, 413))],
)
def test_a_web_page_is_not_the_providers_word(status, kind):
    """Such as a firewall's: no key is refused by it, and no request."""
    found = parse_fault(status, b"\n<!DOCTYPE html><html><title>secret host</title>Invalid API key</html>", Profile())
    assert found.kind is kind
    assert "secret" not in found.message


@pytest.mark.parametrize(
    "named", ["authentication_error", "billing_error", "rate_limit_error", "api_error", "not_found_error"]
)
def test_the_vendors_words_stay_here_unless_the_caller_can_act_on_them(named):
    assert "secret" not in read(400, named).message
    assert read(400, "invalid_request_error").message == "secret detail"


def test_billing_texts_are_never_passed_on():
    fault = read(400, "invalid_request_error", "Your credit balance is too low; account 123")
    assert fault.message == "The provider's quota is used up."


@settings(max_examples=60, deadline=None)
@given(
    st.integers(100, 599),
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.text(max_size=4) | st.integers(-9, 9),
        lambda x: st.dictionaries(
            st.sampled_from(["error", "type", "message", "details", "code", "error_code"]), x, max_size=4
        ),
    ).map(orjson.dumps),
)
def test_any_error_body_is_a_fault(status, body):
    fault = parse_fault(status, body, Profile())
    assert fault.message
    assert fault.status == status


# -- told --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "named"),
    [
        (Kind.REFUSED, 400, "invalid_request_error"),
        (Kind.TOO_LONG, 400, "invalid_request_error"),
        (Kind.MISSING, 404, "not_found_error"),
        (Kind.THROTTLED, 429, "rate_limit_error"),
        (Kind.OVERLOADED, 529, "overloaded_error"),
        (Kind.SHED, 529, "overloaded_error"),
        (Kind.DEADLINE, 504, "timeout_error"),
        (Kind.AUTH, 503, "api_error"),
        (Kind.PROTOCOL, 502, "api_error"),
    ],
)
def test_a_fault_is_told_in_anthropics_shape(kind, status, named):
    got, body = render_fault(Fault(kind=kind, message="So."))
    told = orjson.loads(body)
    assert (got, told["type"], told["error"]["type"], told["error"]["message"]) == (status, "error", named, "So.")


@pytest.mark.parametrize(
    ("status", "named"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (508, "invalid_request_error"),
    ],
)
def test_a_refusal_keeps_its_own_status_under_anthropics_name(status, named):
    got, body = render_fault(Fault(kind=Kind.REFUSED, status=status, message="So."))
    assert (got, orjson.loads(body)["error"]["type"]) == (status, named)


def test_the_proxys_code_stands_where_anthropics_own_codes_do():
    _, body = render_fault(Fault(kind=Kind.SHED, message="So.", code="no_target_available"))
    assert orjson.loads(body)["error"]["details"] == {"error_code": "no_target_available"}


def test_a_field_at_fault_is_named_in_the_message():
    """Anthropic's errors have no place of their own for it."""
    _, body = render_fault(Fault(kind=Kind.REFUSED, message="It must be a number.", param="top_k"))
    assert orjson.loads(body)["error"]["message"] == "top_k: It must be a number."
    _, body = render_fault(Fault(kind=Kind.REFUSED, message="The field top_k must be a number.", param="top_k"))
    assert orjson.loads(body)["error"]["message"] == "The field top_k must be a number."


@pytest.mark.parametrize(
    "text",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        "Invalid `signature` in `thinking` block. The block is bound to a different conversation",
        "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
        "Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
    ],
)
def test_a_refusal_of_thinking_is_mended_by_leaving_it_out(text):
    assert read(400, "invalid_request_error", text).repair == "reasoning"
    assert read(500, "api_error", text).repair == ""


@pytest.mark.parametrize(
    "text", ["thinking.type.enabled is not supported for this model", "max_tokens: must be more than thinking.budget"]
)
def test_any_other_refusal_names_no_remedy(text):
    assert read(400, "invalid_request_error", text).repair == ""


def test_what_the_proxy_adds_goes_under_its_own_name():
    _, body = render_fault(Fault(kind=Kind.SERVER, message="So."), {"attempts": [1]})
    assert orjson.loads(body)["error"]["sidestep"] == {"attempts": [1]}


def test_every_kind_has_a_telling():
    for kind in Kind:
        status, body = render_fault(Fault(kind=kind, message="So."))
        assert 400 <= status < 600
        assert orjson.loads(body)["type"] == "error"


@pytest.mark.parametrize("body", [b'{"error":{"message":"\xff"}}', b"\xff", b"[" * 100_000])
def test_an_error_that_cannot_be_read_is_told_by_its_status(body):
    fault = parse_fault(529, body, Profile())
    assert (fault.kind, fault.status) == (Kind.OVERLOADED, 529)
