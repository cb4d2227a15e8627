"""What an upstream's error means, and how an error is told."""

import orjson
import pytest

from translators.faults import OUTCOMES, Fault, Kind
from translators.openai_chat import parse_fault, render_fault
from translators.profile import Profile

BILL = "your card ending 4242 was declined"


def fault(status, body):
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return parse_fault(status, data, Profile())


def error(**fields):
    return {"error": {"message": "m", **fields}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # OpenAI
        (400, error(type="invalid_request_error", code="unsupported_parameter", param="x"), Kind.REFUSED),
        (400, error(code="context_length_exceeded"), Kind.TOO_LONG),
        (400, error(message="This model's maximum context length is 10 tokens. You asked 12."), Kind.TOO_LONG),
        (400, error(code="content_policy_violation"), Kind.CONTENT),
        (403, error(code="cyber_policy"), Kind.CONTENT),
        (400, error(message="It violates our usage policies."), Kind.CONTENT),
        (401, error(code="invalid_api_key"), Kind.AUTH),
        (403, error(code="unsupported_country_region_territory"), Kind.AUTH),
        (404, error(code="model_not_found"), Kind.MISSING),
        (400, error(code="model_not_found", param="model"), Kind.MISSING),
        (404, error(code=None, message="tools is not supported in this model"), Kind.REFUSED),
        (404, error(code=None, message="This is not a chat model"), Kind.REFUSED),
        (429, error(code="rate_limit_exceeded"), Kind.THROTTLED),
        (429, error(code="slow_down"), Kind.THROTTLED),
        (429, error(type="insufficient_quota", code="credit_balance_exhausted"), Kind.QUOTA),
        (400, error(type="insufficient_quota", code="rate_limit_exceeded"), Kind.QUOTA),
        (429, error(code="rate_limit_exceeded", message="Request too large (TPM): too many tokens"), Kind.THROTTLED),
        (500, error(type="server_error"), Kind.SERVER),
        (500, error(type="invalid_request_error", code="unknown_parameter"), Kind.REFUSED),
        (503, error(code="server_is_overloaded"), Kind.OVERLOADED),
        (503, error(message="The model is currently overloaded"), Kind.OVERLOADED),
        # Azure
        (400, error(code="x", innererror={"code": "ResponsibleAIPolicyViolation"}), Kind.CONTENT),
        (401, error(code="401", message="invalid subscription key or wrong API endpoint"), Kind.AUTH),
        (404, error(code="DeploymentNotFound"), Kind.MISSING),
        (404, error(code="404", message="Resource not found"), Kind.MISSING),
        (400, error(code="429", message="Rate limit is exceeded."), Kind.THROTTLED),
        (403, error(message="The resource has been temporarily blocked"), Kind.AUTH),
        (429, error(code="RateLimitReached"), Kind.THROTTLED),
        (429, error(message="The system is experiencing high demand"), Kind.OVERLOADED),
        # DeepSeek, xAI
        (402, error(message="Insufficient Balance", type="unknown_error", code="invalid_request_error"), Kind.QUOTA),
        (422, error(), Kind.REFUSED),
        (400, {"code": "invalid-argument", "error": "Incorrect API key provided: xa***"}, Kind.AUTH),
        (400, {"code": "x", "error": "This model's maximum prompt length is 8 but it has 9 tokens."}, Kind.TOO_LONG),
        (403, {"code": "x", "error": "You used all available credits"}, Kind.QUOTA),
        (429, {"error": "It reached its monthly spending limit"}, Kind.QUOTA),
        (403, {"error": "Content violates usage guidelines"}, Kind.CONTENT),
        (403, {"error": "no"}, Kind.AUTH),
        # Mistral
        (401, {"detail": "Invalid API Key"}, Kind.AUTH),
        (422, {"detail": [{"msg": "field required", "loc": ["x"]}]}, Kind.REFUSED),
        (429, {"object": "error", "message": "slow", "type": "rate_limited", "code": "1300"}, Kind.THROTTLED),
        (429, {"object": "error", "message": "Service tier capacity exceeded", "code": None}, Kind.OVERLOADED),
        (429, {"object": "error", "message": "m", "code": 3505}, Kind.OVERLOADED),
        (
            400,
            {"message": "Prompt contains 9 tokens, too large for model with 8 maximum context length"},
            Kind.TOO_LONG,
        ),
        (400, {"object": "error", "message": "Tool call id was x", "code": 3280}, Kind.REFUSED),
        # OpenRouter
        (400, error(code=400, metadata={"error_type": "context_length_exceeded"}), Kind.TOO_LONG),
        (402, error(code=402, metadata={"limit_source": "openrouter_credits"}), Kind.QUOTA),
        (402, error(code=402, metadata={"limit_source": "openrouter_in_flight_budget"}), Kind.THROTTLED),
        (402, error(code=402, metadata={"reason": "weight_exceeds_budget"}), Kind.REFUSED),
        (404, error(code=404, message="No endpoints found that support tools"), Kind.MISSING),
        (429, error(code=429, metadata={"raw": "rate-limited upstream"}), Kind.THROTTLED),
        (429, error(code=429, metadata={"raw": '{"error":{"code":"insufficient_quota"}}'}), Kind.QUOTA),
        (502, error(code=502, metadata={"error_type": "provider_overloaded"}), Kind.OVERLOADED),
        (200, error(code=502), Kind.SERVER),
        # Together, Groq, Cohere
        (403, error(message="input token count + max_tokens exceeds the limit"), Kind.TOO_LONG),
        (400, error(message="Please reduce the length of the messages or completion."), Kind.TOO_LONG),
        (400, error(code="tool_use_failed"), Kind.SERVER),
        (400, error(code="model_decommissioned"), Kind.MISSING),
        (413, error(code="rate_limit_exceeded", type="tokens"), Kind.THROTTLED),
        (498, error(code="capacity_exceeded"), Kind.OVERLOADED),
        (400, {"id": "x", "message": "m", "error_type": "TOO_MANY_TOKENS"}, Kind.TOO_LONG),
        # local servers
        (
            400,
            error(
                message="maximum context length is 8 tokens. You want 7 output tokens and your prompt contains at "
                "least 9 input tokens"
            ),
            Kind.TOO_LONG,
        ),
        (
            400,
            error(
                message="maximum context length is 8 tokens. You want 7 output tokens and your prompt contains at "
                "least 3 input tokens"
            ),
            Kind.REFUSED,
        ),
        (400, error(message="max_tokens is too large: 9. The maximum context length is 8."), Kind.REFUSED),
        (400, error(type="exceed_context_size_error"), Kind.TOO_LONG),
        (400, {"error": "prompt too long; exceeded max context length by 4 tokens"}, Kind.TOO_LONG),
        (503, error(message="Loading model"), Kind.SERVER),
        # Google's compatible layer
        (
            [400][0],
            [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
            Kind.AUTH,
        ),
        (429, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m"}}], Kind.THROTTLED),
        # nothing but a status
        *((status, {}, Kind.SERVER) for status in (408, 409, 424, 500, 502, 503, 504, 520)),
        (401, {}, Kind.AUTH),
        (402, {}, Kind.QUOTA),
        (403, b"", Kind.AUTH),
        (404, b"not found", Kind.MISSING),
        (413, {}, Kind.REFUSED),
        (429, b"slow down", Kind.THROTTLED),
        (529, {}, Kind.OVERLOADED),
    ],
)
def test_body_before_status(status, body, kind):
    assert fault(status, body).kind is kind


@pytest.mark.parametrize(
    ("status", "kind"), [(502, Kind.SERVER), (429, Kind.THROTTLED), (403, Kind.PROTOCOL), (404, Kind.PROTOCOL)]
)
def test_a_web_page_is_not_the_providers_word(status, kind):
    found = fault(status, b"<!DOCTYPE html><html><title>secret host</title>Invalid API key</html>")
    assert found.kind is kind
    assert "secret" not in found.message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 6m0s.", 360),
        ("Please try again in 20ms.", 0.02),
        ("Please try again in 1h2m3.5s.", 3723.5),
        ("Please retry after 86400 seconds.", 86400),
        ("Try again in 2 seconds.", 2),
        ("Please retry in 48.9s", 48.9),
        ("try again in 1 minute 30 seconds", 90),
        ("Please try again.", None),
    ],
)
def test_a_wait_that_the_body_asks_for(text, seconds):
    assert fault(429, error(message=text)).retry_after_s == pytest.approx(seconds)


def test_a_daily_limit_is_known_as_one():
    assert fault(429, error(message="Rate limit reached on requests per day (RPD)")).daily
    assert not fault(429, error(message="Rate limit reached on tokens per min (TPM)")).daily
    assert not fault(400, error(message="daily")).daily


def test_the_client_is_told_what_it_can_mend_in_the_vendors_words():
    found = fault(400, error(message="bad\nfield", type="t", code="c", param="x"))
    assert (found.message, found.type, found.code, found.param) == ("bad field", "t", "c", "x")


@pytest.mark.parametrize("status", [401, 402, 429, 500, 503, 529])
def test_texts_about_keys_and_bills_are_never_told(status):
    found = fault(status, error(message=BILL, code=BILL, type=BILL, param=BILL))
    assert BILL not in repr(found)


def test_a_refusal_without_a_reason_says_so():
    assert fault(400, {}).message == "The provider refused the request without a reason."


def test_a_status_repeated_as_code_is_no_code():
    assert fault(400, error(code=400)).code is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[[]]",
        b'"x"',
        b"3",
        b'{"error":null}',
        b'{"error":[]}',
        b'{"error":true}',
        b'{"error":{"message":{},"code":[],"type":1.5,"metadata":3,"details":[3]}}',
        b'{"error":{"code":"' + b"9" * 5000 + b'"}}',
        b'{"error":{"message":"maximum context length is ' + b"9" * 5000 + b' tokens"}}',
        b'{"error":{"message":"try again in ' + b"9" * 5000 + b's"}}',
        b'{"error":{"metadata":{"raw":"{\\"a"}}}',
        b"[" * 100_000,
    ],
)
def test_no_body_is_too_odd(body):
    found = fault(400, body)
    assert found.message
    assert len(found.message) <= 600


@pytest.mark.parametrize(
    ("error", "repair"),
    [
        ({"message": "Function call is missing a thought_signature in functionCall parts."}, "reasoning"),
        ({"message": "Corrupted thought signature."}, "reasoning"),
        ({"message": "The encrypted content gAAA could not be verified."}, "reasoning"),
        ({"message": "messages.3: Invalid `signature` in `thinking` block"}, "reasoning"),
        ({"message": "'signature' is an unknown field"}, ""),
    ],
)
def test_a_refusal_because_of_a_signature_is_mended_by_leaving_it_out(error, repair):
    assert fault(400, {"error": error}).repair == repair
    assert fault(500, {"error": error}).repair == ""


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_told_as_its_outcome_says(kind):
    status, body = render_fault(Fault(kind=kind, message="m"))
    outcome = OUTCOMES[kind]
    assert status == outcome.status
    assert orjson.loads(body) == {"error": {"message": "m", "type": outcome.type, "param": None, "code": outcome.code}}


@pytest.mark.parametrize(
    ("status", "told"), [(400, 400), (413, 413), (422, 422), (508, 508), (500, 400), (0, 400), (200, 400)]
)
def test_a_refusal_keeps_its_own_status_and_code(status, told):
    own = Fault(kind=Kind.REFUSED, message="m", status=status, code="c", param="p", type="t")
    answered, body = render_fault(own)
    assert answered == told
    assert orjson.loads(body)["error"] == {"message": "m", "type": "t", "param": "p", "code": "c"}


def test_the_attempts_are_told_beside_the_error():
    _, body = render_fault(Fault(kind=Kind.SERVER, message="m"), {"attempts": [1]})
    assert orjson.loads(body)["error"]["sidestep"] == {"attempts": [1]}


@pytest.mark.parametrize(
    ("status", "message", "repair"),
    [
        (
            400,
            "Function tools are not supported here. Use /v1/responses or set reasoning_effort to 'none'.",
            "responses",
        ),
        (400, "Function tools are not supported here. Please use /v1/responses instead.", "responses"),
        (404, "This model is only supported in v1/responses and not in v1/chat/completions.", "responses"),
        (400, "Unsupported parameter: 'previous_response_id'.", ""),
        (503, "Overloaded; please use /v1/responses instead.", ""),
    ],
)
def test_a_refusal_that_names_the_responses_api_says_how_to_ask_instead(status, message, repair):
    got = fault(status, error(message=message, type="invalid_request_error"))
    assert got.repair == repair
    assert not repair or got.kind is Kind.REFUSED
