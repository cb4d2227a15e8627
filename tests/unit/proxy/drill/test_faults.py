"""Error bodies are what the vendors' formats say, for every status and every kind."""

import orjson
import pytest

from proxy.drill.faults import KINDS, anthropic_fault, gemini_fault, openai_fault

STATUSES = (400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529)


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("status", STATUSES)
def test_an_openai_fault_has_its_four_fields(status, kind):
    error = orjson.loads(openai_fault(status, kind))["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["type"]


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("status", STATUSES)
def test_an_anthropic_fault_is_an_error_with_type_and_message(status, kind):
    body = orjson.loads(anthropic_fault(status, kind))
    assert (body["type"], body["request_id"]) == ("error", "req_demo")
    assert {"type", "message"} <= set(body["error"])


@pytest.mark.parametrize("kind", [None, *KINDS])
@pytest.mark.parametrize("status", STATUSES)
def test_a_gemini_fault_has_code_message_and_status_or_is_a_blocked_prompt(status, kind):
    body = orjson.loads(gemini_fault(status, kind))
    if kind == "content_filter":
        assert body["promptFeedback"]["blockReason"] and "candidates" not in body
        return
    assert {"code", "message", "status"} <= set(body["error"])
    assert kind or body["error"]["code"] == (400 if status == 401 else status), "a bad key is a bad request there"


def test_a_gemini_limit_says_which_and_how_long():
    details = orjson.loads(gemini_fault(429))["error"]["details"]
    assert "PerMinute" in details[0]["violations"][0]["quotaId"] and details[1]["retryDelay"] == "30s"
    (quota,) = orjson.loads(gemini_fault(429, "insufficient_quota"))["error"]["details"]
    assert "PerDay" in quota["violations"][0]["quotaId"]
    assert orjson.loads(gemini_fault(401))["error"]["details"][0]["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize("fault", [openai_fault, anthropic_fault, gemini_fault])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_outranks_the_status_and_differs_from_it(fault, kind):
    assert fault(500, kind) == fault(429, kind) != fault(500)


def test_a_message_can_be_given():
    assert orjson.loads(openai_fault(400, None, "mine"))["error"]["message"] == "mine"
    assert orjson.loads(anthropic_fault(400, None, "mine"))["error"]["message"] == "mine"
    assert orjson.loads(gemini_fault(400, None, "mine"))["error"]["message"] == "mine"
