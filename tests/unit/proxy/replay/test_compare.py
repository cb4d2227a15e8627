"""What differs is told, decisions first; what no two runs have in common is not."""

import orjson
import pytest
from msgspec import structs

from proxy.flow import Attempt, Exchange
from proxy.recording.form import Call, Line, Tried
from proxy.replay.compare import Difference, differences
from proxy.replay.play import Played
from proxy.replay.stage import Answered, Made, Stage
from proxy.upstream import seam
from translators.catalog import codec
from translators.faults import Fault, Kind
from translators.ir import Dialect

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = {"id": "c", "created": 7, "choices": [{"message": {"content": "Hello 1.5"}}], "sidestep": {"ms": 4}}
STREAM = b'data: {"id":"c","created":7,"delta":"He"}\n\n: ping\n\ndata: {"id":"c","created":7,"delta":"llo"}\n\n'


def line(**more):
    call = Call(
        id="c.1", source="s", provider="alpha", endpoint="/x", method="POST", url="https://alpha.test/x",
        request_headers={"accept": "x", "user-agent": "sidestep/0"}, request_body=REQUEST, status=200,
        response_headers={}, response_body="", stream=False, sse=False, chunk_lens=[], model="m", fidelity="exact",
        dialect="openai-chat", sent_ms=0.0, chunk_ms=[], ended_ms=1.0, end="whole",
    )  # fmt: skip
    told = {
        "id": "req_1", "source": "s", "provider": "alpha", "endpoint": "chat", "method": "POST", "url": "/x",
        "request_headers": {}, "request_body": REQUEST, "status": 200, "response_headers": {},
        "response_body": orjson.dumps(ANSWER).decode(), "stream": False, "sse": False, "chunk_lens": [], "model": "m",
        "fidelity": "exact", "recording": 1, "at": 1.0, "clock": 1.0, "ms": 1.0, "calls": [call],
        "attempts": [Tried(target="alpha/m", kind="ok", status=200, ms=3)],
        "skipped": [("beta/m", "asked to wait 3 s more")],
    }  # fmt: skip
    return Line(**(told | more))


@pytest.fixture
def play():
    """`play(line, sent=..., answer=..., headers=..., **exchange)`: as it was played, the same but for what is given."""

    def make(recorded, *, sent=REQUEST, answer=None, headers=(("accept", "x"), ("user-agent", "sidestep/1")), url=None,
             target=("alpha", "m"), **more):  # fmt: skip
        told = {"attempts": [Attempt("alpha/m", "ok", 200, 99)], "skipped": [("beta/m", "asked to wait 2 s more")]}
        exchange = Exchange(
            id="req_1", route="chat", method="POST", path="/x", headers={}, read=None, peer="", out=None,
            codec=codec(Dialect.OPENAI_CHAT), started=0.0, **{"status": 200, **told, **more},
        )  # fmt: skip
        call = seam.Call(
            "POST",
            url or "https://alpha.test/x",
            list(headers),
            orjson.dumps(sent),
            stream=False,
            connect_s=1,
            pool_s=1,
            write_s=1,
        )
        stage = Stage(recorded, None, made=[Made(*target, call)])
        out = Answered()
        out.status = 200
        out.body = orjson.dumps(ANSWER | {"created": 9, "sidestep": {"ms": 5}}) if answer is None else answer
        return Played(recorded, exchange, stage, out)

    return make


def test_moments_and_numbers_of_waits_are_no_difference(play):
    assert differences(play(line())) == []


def test_decisions_that_differ_are_told_before_what_follows_from_them(play):
    found = differences(
        play(
            line(translation="dropped=seed"),
            target=("beta", "m"),
            attempts=[Attempt("beta/m", "server", 503, 1)],
            skipped=[],
            status=503,
            fault=Fault(kind=Kind.SERVER, message="m", code="c"),
            answer=b"{}",
        )
    )
    assert found == [
        Difference("calls", "alpha/m", "beta/m"),
        Difference("attempts", "alpha/m ok 200", "beta/m server 503"),
        Difference("skipped", "beta/m (asked to wait # s more)", "none"),
        Difference("status", "200", "503"),
        Difference("fault", "none", "server c"),
        Difference("translation", "dropped=seed", "none"),
        Difference("answer", 'id: "c"', "id: nothing"),
    ]


def test_after_a_call_of_which_nothing_is_recorded_the_rest_is_unknown(play):
    played = play(line(), status=500, answer=b"")
    played.stage.unknown = "alpha/m"
    assert differences(played) == [Difference("calls", "alpha/m", "alpha/m (not recorded)")]


def test_the_first_place_of_a_request_that_differs_is_told(play):
    sent = {"model": "m", "messages": [{"role": "user", "content": "ho"}], "seed": 1}
    found = differences(play(line(), sent=sent, url="https://else.test/x", headers=[("accept", "y")]))
    assert found == [
        Difference("call 1", "https://alpha.test/x", "https://else.test/x"),
        Difference("call 1", "accept: x", "accept: y"),
        Difference("call 1", 'messages[0].content: "hi"', 'messages[0].content: "ho"'),
    ]


def test_an_answer_that_was_broken_off_is_another_one(play):
    played = play(line(cut=True))
    assert differences(played) == [Difference("end", "broken off", "regular")]


def test_the_events_of_a_stream_are_compared_one_by_one_but_for_comments(play):
    recorded = line(sse=True, response_body=STREAM.decode())
    assert differences(play(recorded, answer=STREAM.replace(b": ping\n\n", b"").replace(b"7", b"8"))) == []
    assert differences(play(recorded, answer=STREAM.replace(b"llo", b"y"))) == [
        Difference("answer", 'event 2[0].delta: "llo"', 'event 2[0].delta: "y"')
    ]
    assert differences(play(recorded, answer=STREAM + b"event: x\ndata: [DONE]\n\n")) == [
        Difference("answer", "event 3: nothing", 'event 3: ["event: x","[DONE]"]')
    ]


def test_where_texts_are_blanked_only_their_form_counts(play):
    recorded = line(
        fidelity="masked",
        response_body='{"id":"c","created":7,"choices":[{"message":{"content":"nnnnn 1.1"}}],"sidestep":{"ms":4}}',
    )
    call = structs.replace(
        recorded.calls[0], request_body={"model": "m", "messages": [{"role": "user", "content": "nn"}]}
    )
    recorded = structs.replace(recorded, calls=[call])
    assert differences(play(recorded)) == []
    longer = {"model": "m", "messages": [{"role": "user", "content": "longer"}]}
    [found] = differences(play(recorded, sent=longer))
    assert found == Difference("call 1", 'messages[0].content: "nn"', 'messages[0].content: "nnnnnn"')


def test_a_number_that_was_blanked_is_like_another_and_one_that_steers_is_not(play):
    """A fraction may have been written anew, with another exponent."""
    call = structs.replace(line().calls[0], request_body=REQUEST | {"x": 0.1111111111111111, "n": 11, "max": 42})
    recorded = line(fidelity="masked", calls=[call], response_body="{}")
    same = REQUEST | {"x": 1.1111111111111112, "n": 111, "max": 42}
    assert differences(play(recorded, sent=same, answer=b"{}")) == []
    [found] = differences(play(recorded, sent=same | {"max": 43}, answer=b"{}"))
    assert found == Difference("call 1", "max: 42", "max: 43")


def test_long_values_are_cut_where_they_are_told(play):
    [found] = differences(play(line(), sent=REQUEST | {"model": "x" * 200}))
    assert found.replayed == f'model: "{"x" * 79}...'
