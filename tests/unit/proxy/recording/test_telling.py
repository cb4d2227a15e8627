"""A tape becomes a line of the documented form, without keys and without what was not asked for."""

from pathlib import Path

import orjson
import pytest
from msgspec import structs

from proxy import __version__
from proxy.config.values import Provider
from proxy.recording.form import Call as Recorded
from proxy.recording.form import Line, Stopped, Tried
from proxy.recording.tape import Facts, Noted, Room, Tape
from proxy.recording.telling import line_of, model_of, struck
from proxy.upstream.seam import Call, Cut
from translators.ir import Dialect

GOLDEN = Path(__file__).parents[3] / "golden" / "recording"
ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1")
BETA = Provider("beta", Dialect.ANTHROPIC_MESSAGES, "https://beta.test/v1")
KEY = "sk-canary-0123456789"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"I am Bob, my key is {KEY}"}]}
FACTS = Facts(
    id="req_1",
    route="chat",
    method="POST",
    path="/v1/chat/completions",
    headers={"content-type": "application/json", "x-stainless-retry-count": "1"},
    asked="gpt-4o",
    client="app",
    provider="beta",
    model="claude",
    stream=True,
    status=200,
    kind=None,
    code=None,
    translation="",
    attempts=[
        Tried(target="alpha/large", kind="server", status=503, ms=20),
        Tried(target="beta/claude", kind="ok", status=200, ms=100),
    ],
    skipped=[("gamma/m", "its breaker is open")],
    stopped=None,
    ended=10.5,
)


def call(url, key, model):
    headers = [("content-type", "application/json"), ("authorization", f"Bearer {key}"), ("idempotency-key", "i")]
    return Call(
        "POST", url, headers, orjson.dumps(BODY | {"model": model}), stream=True, connect_s=1, pool_s=1, write_s=1
    )


@pytest.fixture
def tape():
    made = Tape(Room(), 10.0, 1_800_000_000.0, {})
    made.body = orjson.dumps(BODY)
    failed = Noted(ALPHA, call("https://alpha.test/v1/chat/completions", KEY, "large"), 10.001)
    failed.head, failed.status, failed.ended, failed.whole = 10.02, 503, 10.021, True
    failed.headers = [("content-type", "application/json"), ("retry-after", "1"), ("set-cookie", KEY)]
    failed.pieces = [(10.021, f'{{"error":{{"message":"no {KEY}"}}}}'.encode())]
    good = Noted(BETA, call("https://beta.test/v1/messages", "other-key-123", "claude"), 10.03)
    good.head, good.status, good.ended = 10.1, 200, 10.4
    good.headers = [("content-type", "text/event-stream"), ("x-ratelimit-remaining-requests", "3")]
    good.pieces = [(10.1, b'data: {"text":"Hel'), (10.2, b'lo Bob"}\n\n')]
    good.error = Cut("its answer broke off")
    made.calls = [failed, good]
    made.secrets = {KEY}
    made.headers = [("content-type", "text/event-stream"), ("x-sidestep-provider", "beta"), ("x-other", "no")]
    made.pieces = [b'data: {"text":"Hello Bob"}\n\n']
    made.cut = True
    made.facts = FACTS
    return made


def told(tape, *, texts, lost=0):
    return orjson.loads(line_of(tape, texts=texts, lost=lost))


@pytest.mark.parametrize("texts", [False, True], ids=["blanked", "texts"])
def test_the_line_is_the_one_that_is_kept(tape, texts):
    """The form that others read: `docs/recording.md` tells each field."""
    kept = (GOLDEN / f"{'texts' if texts else 'blanked'}.json").read_text().replace("VERSION", __version__)
    assert told(tape, texts=texts) == orjson.loads(kept)


def test_a_line_is_one_line_and_reads_back(tape):
    line = line_of(tape, texts=True, lost=2)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert orjson.loads(line)["lost"] == 2


def test_keys_are_struck_out_wherever_they_are_said(tape):
    line = line_of(tape, texts=True, lost=0)
    assert b"canary" not in line
    assert b"I am Bob, my key is " + b"*" * len(KEY) in line


def test_a_body_that_is_no_utf8_is_kept_in_base64_without_the_key(tape):
    tape.calls[1].pieces = [(10.1, b"\xff" + KEY.encode())]
    [_, second] = told(tape, texts=True)["calls"]
    assert second["response_body"] is None
    assert second["response_base64"] == "/yoqKioqKioqKioqKioqKioqKioq"


def test_a_request_that_is_no_json_is_kept_as_text(tape):
    tape.body = b'{"model": secret'
    assert told(tape, texts=True)["request_text"] == '{"model": secret'
    line = told(tape, texts=False)
    assert (line["request_body"], line["request_text"]) == (None, '{"model": nnnnnn')


def test_a_call_without_an_answer_says_why(tape):
    tape.calls = [Noted(ALPHA, call("https://alpha.test/v1/x", KEY, "large"), 10.0, ended=10.3, error=Cut("reset"))]
    [only] = told(tape, texts=False)["calls"]
    assert (only["status"], only.get("head_ms"), only["end"], only["error"], only["why"], only["ended_ms"]) == (
        0, None, "failed", "Cut", "reset", 300.0,
    )  # fmt: skip
    tape.calls[0].error = None
    assert told(tape, texts=False)["calls"][0]["end"] == "closed"


def test_who_left_is_told(tape):
    tape.facts = structs.replace(FACTS, stopped=Stopped("cancelled", 0, None, "left", 30.0))
    assert told(tape, texts=False)["stopped"] == {
        "kind": "cancelled", "status": 0, "code": None, "message": "left", "ms": 30.0,
    }  # fmt: skip


def test_what_has_not_ended_cannot_be_told(tape):
    tape.facts = None
    with pytest.raises(ValueError, match="has ended"):
        line_of(tape, texts=True, lost=0)


@pytest.mark.parametrize(
    ("body", "url", "model"),
    [
        ({"model": "m"}, "https://a.test/models/n:x", "m"),
        ({}, "https://a.test/v1/models/gemini-3:generateContent?alt=sse", "gemini-3"),
        (None, "https://a.test/v1/x", ""),
    ],
)
def test_a_calls_model_is_in_its_body_or_its_path(body, url, model):
    assert model_of(body, url) == model


def test_a_secret_is_found_as_json_writes_it_and_a_word_is_none():
    assert struck(b'"a\\"quoted\\"key" key', {'a"quoted"key', "key"}) == b'"' + b"*" * 14 + b'" key'


def test_the_form_names_what_recorded_traffic_names():
    """Readers of the form in which provider traffic is recorded can read exchanges and their calls."""
    names = (
        "id source provider endpoint method url request_headers request_body status response_headers response_body"
        " stream sse chunk_lens model features fidelity"
    )
    for one in (Line, Recorded):
        assert set(names.split()) <= set(one.__struct_fields__)
