"""A Gemini target that was not known to demand signatures, and says so."""

import orjson
import pytest
from msgspec import structs

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob
from translators.catalog import codec
from translators.gemini.wire import SKIP_SIGNATURE
from translators.ir import Dialect
from translators.profile import Profile

PLAIN = Target(
    Provider("own", Dialect.GEMINI, "https://own.test"),
    "gemini-9",
    Profile(provider="own", model="gemini-9"),
    BreakerSettings(),
    RetrySettings(),
    TimeoutSettings(),
)
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
CHATTED = {
    "model": "m",
    "tools": [FUNCTION],
    "messages": [
        {"role": "user", "content": "?"},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ],
}
GENERATED = {
    "model": "m",
    "contents": [
        {"role": "user", "parts": [{"text": "?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "1"}}}]},
    ],
}


def job(dialect, payload):
    return ChatJob(codec(dialect), payload, stream=False, usage=False, bound=None)


def call_of(prepared):
    return orjson.loads(prepared.body)["contents"][1]["parts"][0]


@pytest.mark.parametrize(("dialect", "payload"), [(Dialect.OPENAI_CHAT, CHATTED), (Dialect.GEMINI, GENERATED)])
def test_a_call_without_a_signature_gets_googles_word_for_one_once_the_target_has_missed_it(dialect, payload):
    """Be it translated, or sent so by a Gemini client."""
    asked = job(dialect, payload)
    prepared = asked.prepare(PLAIN)
    assert "thoughtSignature" not in call_of(prepared)
    mended = asked.repaired(PLAIN, prepared, "reasoning")
    assert call_of(mended)["thoughtSignature"] == SKIP_SIGNATURE
    assert mended.report.header() == "approximated=reasoning.signature"
    assert asked.repaired(PLAIN, mended, "reasoning") is None


def test_what_has_no_calls_is_not_mended():
    asked = job(Dialect.OPENAI_CHAT, {"model": "m", "messages": CHATTED["messages"][:1]})
    assert asked.repaired(PLAIN, asked.prepare(PLAIN), "reasoning") is None


def test_a_signature_that_a_gemini_client_sent_itself_is_lost():
    history = orjson.loads(orjson.dumps(GENERATED))
    history["contents"][1]["parts"][0]["thoughtSignature"] = "c2ln"
    asked = job(Dialect.GEMINI, history)
    mended = asked.repaired(PLAIN, asked.prepare(PLAIN), "reasoning")
    assert call_of(mended)["thoughtSignature"] == SKIP_SIGNATURE
    assert mended.report.header() == "dropped=reasoning"


def test_a_body_that_only_its_provider_can_read_is_mended_all_the_same():
    """A Responses client that goes on from a stored answer."""
    target = structs.replace(
        PLAIN, provider=Provider("open", Dialect.OPENAI_RESPONSES, "https://o.test"), profile=Profile(provider="open")
    )
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"}
    asked = job(
        Dialect.OPENAI_RESPONSES,
        {"model": "m", "previous_response_id": "resp_1", "input": [thought, {"role": "user", "content": "?"}]},
    )
    mended = asked.repaired(target, asked.prepare(target), "reasoning")
    assert orjson.loads(mended.body)["input"] == [{"role": "user", "content": "?"}]
    assert mended.report.header() == "dropped=reasoning"
