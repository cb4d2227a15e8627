"""Error bodies are what the vendors' formats say, for every status and every kind."""

import orjson
import pytest

from proxy.drill.faults import KINDS, anthropic_fault, openai_fault

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


@pytest.mark.parametrize("fault", [openai_fault, anthropic_fault])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_outranks_the_status_and_differs_from_it(fault, kind):
    assert fault(500, kind) == fault(429, kind) != fault(500)


def test_a_message_can_be_given():
    assert orjson.loads(openai_fault(400, None, "mine"))["error"]["message"] == "mine"
    assert orjson.loads(anthropic_fault(400, None, "mine"))["error"]["message"] == "mine"
