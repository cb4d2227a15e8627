"""What an answer shows of its quality is told in one word, whoever's dialect it is in."""

import orjson
import pytest

from proxy.flow import Exchange, Signs
from proxy.learning import signals
from proxy.learning.signals import signal_of
from proxy.usage.signals import SIGNALS
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.ir import Dialect

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
CHAT, RESPONSES, MESSAGES = Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES
FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
ASKED = {
    CHAT: {"model": "m", "messages": [{"role": "user", "content": "n?"}], "response_format": FORM},
    RESPONSES: {"model": "m", "input": "n?",
                "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
    MESSAGES: {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "n?"}],
               "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
}  # fmt: skip


def body(dialect, text=None, refusal=None):
    if dialect is CHAT:
        message = {"role": "assistant", "content": text, "refusal": refusal}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    if dialect is RESPONSES:
        part = {"type": "output_text", "text": text, "annotations": []}
        if refusal:
            part = {"type": "refusal", "refusal": refusal}
        item = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": [part]}
        return {"id": "r", "object": "response", "created_at": 1, "status": "completed", "model": "m", "output": [item]}
    return {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip


def ended(dialect=CHAT, finishes=("stop",), payload=None, answer=None, fault=None, declined=False):
    told = b"" if answer is None else orjson.dumps(answer)
    return Exchange(
        id="req_1", route="chat", method="POST", path="/", headers={}, read=None, peer="", out=None,
        codec=codec(dialect), started=0.0, payload=payload or {"model": "m", "messages": []}, fault=fault,
        signs=Signs(list(finishes), declined, told),
    )  # fmt: skip


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize(
    ("text", "word"),
    [('{"n": 3}', "valid"), ('{"n": "3"}', "invalid"), ('{"n": 3', "invalid"), ("three", "invalid"), ("[]", "invalid")],
)
def test_an_answer_is_held_to_the_schema_that_was_asked_for(dialect, text, word):
    assert signal_of(ended(dialect, payload=ASKED[dialect], answer=body(dialect, text))) == word


@pytest.mark.parametrize(("text", "word"), [('{"any": 1}', "valid"), ("[1]", "invalid"), ("word", "invalid")])
def test_json_that_was_asked_for_is_an_object(text, word):
    payload = ASKED[CHAT] | {"response_format": {"type": "json_object"}}
    assert signal_of(ended(payload=payload, answer=body(CHAT, text))) == word


@pytest.mark.parametrize(
    ("finishes", "word"),
    [(["stop"], "whole"), (["tool_calls"], "whole"), (["length"], "short"), (["content_filter"], "refusal"),
     (["stop", "length"], "short"), (["length", "content_filter"], "refusal"), ([], "")],
)  # fmt: skip
def test_how_it_ended_is_told_by_the_worst_of_its_choices(finishes, word):
    assert signal_of(ended(finishes=finishes)) == word


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
def test_a_relayed_refusal_is_read_out_of_the_answer(dialect):
    declined = ended(dialect, answer=body(dialect, refusal="I will not."))
    assert signal_of(declined) == "refusal"
    declined.signs.body = orjson.dumps(orjson.loads(declined.signs.body), option=orjson.OPT_INDENT_2)
    assert signal_of(declined) == "refusal"
    assert signal_of(ended(dialect, answer=body(dialect, text='"refusal":"no"'))) == "whole"


def test_a_long_answer_is_not_looked_through(monkeypatch):
    monkeypatch.setattr(signals, "DECLINED", 100)
    assert signal_of(ended(answer=body(CHAT, refusal="I will not." * 9))) == "whole"


def test_a_refusal_that_was_heard_counts_at_once():
    assert signal_of(ended(declined=True)) == "refusal"


@pytest.mark.parametrize(
    ("fault", "word"),
    [(Fault(kind=Kind.CONTENT, message="no"), "refusal"),
     (Fault(kind=Kind.PROTOCOL, code="stream_cut", message="cut"), "cut"),
     (Fault(kind=Kind.TIMEOUT, message="slow"), ""), (Fault(kind=Kind.CANCELLED, message="left"), ""),
     (Fault(kind=Kind.DEADLINE, code="deadline_exceeded", message="late"), "")],
)  # fmt: skip
def test_a_fault_tells_of_quality_only_where_the_model_answered(fault, word):
    assert signal_of(ended(fault=fault)) == word


def test_without_anybody_who_looked_nothing_is_told():
    exchange = ended()
    exchange.signs = None
    assert signal_of(exchange) == ""


def test_what_cannot_be_decided_is_a_whole_answer(monkeypatch):
    odd = ASKED[CHAT] | {
        "response_format": FORM | {"json_schema": {"name": "n", "schema": {"$ref": "https://x.example"}}}
    }
    assert signal_of(ended(payload=odd, answer=body(CHAT, "{}"))) == "whole"
    assert signal_of(ended(payload={"messages": 1, "response_format": {}}, answer=body(CHAT, "{}"))) == "whole"
    unread = ended(payload=ASKED[CHAT])
    unread.signs.body = b"no answer"
    assert signal_of(unread) == "whole"
    streamed = ended(payload=ASKED[CHAT])
    assert signal_of(streamed) == "whole"
    monkeypatch.setattr(signals, "READ", 10)
    assert signal_of(ended(payload=ASKED[CHAT], answer=body(CHAT, "no"))) == "whole"


def test_a_call_of_a_tool_is_not_held_to_the_form():
    answer = body(CHAT)
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    answer["choices"][0]["message"]["tool_calls"] = [call]
    answer["choices"][0]["finish_reason"] = "tool_calls"
    assert signal_of(ended(finishes=["tool_calls"], payload=ASKED[CHAT], answer=answer)) == "whole"


def test_every_word_has_its_worth():
    assert all(0 <= worth <= 1 for worth in SIGNALS.values())
