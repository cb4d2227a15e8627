"""Signs of life before the first content: the client sees them, and for the chain nothing has been sent."""

import orjson
import pytest

from proxy.early import COMMENT
from proxy.resilience.breaker import State
from translators.faults import Kind

WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word"}}]}\n\n'
END = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
LATE = [25.0, WORD, END, b"data: [DONE]\n\n"]
EVERY = {"x-sidestep-keep-alive": "10"}


def comments(body: bytes) -> list[bytes]:
    return [line for line in body.splitlines() if line.startswith(b":")]


def events(body: bytes) -> bytes:
    return b"".join(line for line in body.splitlines(keepends=True) if line.startswith(b"data:"))


def test_a_client_that_asks_for_them_gets_comments_while_its_stream_has_not_begun(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = LATE
    answer = lab.ask(stream=True, headers=EVERY)
    assert answer.body.startswith(2 * COMMENT), "after 10 and 20 s"
    assert answer.body.count(COMMENT) == 2
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert events(answer.body) == WORD.strip() + b"\n" + END.strip() + b"\ndata: [DONE]\n"
    assert (answer.told[0], answer.told[-1]) == ("start", "finish")


def test_who_serves_is_told_in_a_comment_where_the_head_had_to_go_before(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = "stall"
    beta.script[0] = LATE
    answer = lab.ask(stream=True, headers=EVERY)
    assert answer.kinds == ["timeout", "ok"]
    assert set(answer.headers) == {"content-type", "cache-control", "x-request-id"}
    assert b": x-sidestep-provider: beta" in comments(answer.body)
    assert any(
        line.startswith(b": x-sidestep-attempts: alpha/large;timeout;0;30000, beta") for line in comments(answer.body)
    )
    assert events(answer.body).endswith(b"[DONE]\n")


def test_nothing_is_different_for_an_answer_that_comes_in_time(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [9.0, WORD, 30.0, END, b"data: [DONE]\n\n"]
    with_signs, without = lab.ask(stream=True, headers=EVERY), lab.ask(stream=True)
    assert with_signs.body == without.body
    assert set(with_signs.headers) == set(without.headers)
    assert with_signs.headers["x-sidestep-provider"] == "alpha"


def test_an_error_that_comes_in_time_has_its_status(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = 400
    answer = lab.ask(stream=True, headers=EVERY)
    assert (answer.status, answer.told) == (400, ["answer"])
    lab.wait(100)
    assert answer.told == ["answer"], "nothing follows"


@pytest.mark.parametrize(("route", "said"), [("chat", b'data: {"error":'), ("messages", b"event: error\n")])
def test_an_error_that_comes_later_is_an_event_and_a_cut_and_never_a_regular_end(lab, route, said):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = beta.script[0] = "stall"
    answer = lab.ask({"max_tokens": 9}, stream=True, route=route, headers=EVERY)
    assert answer.kinds == ["timeout", "timeout"]
    assert said in answer.body and b"All targets failed" in answer.body
    assert answer.told[-1] == "abort"
    assert b"[DONE]" not in answer.body and b"message_stop" not in answer.body
    assert (answer.exchange.status, answer.exchange.fault.kind) == (200, Kind.TIMEOUT), "as the client saw it"


@pytest.mark.parametrize(("kind", "code"), [(Kind.DEADLINE, "deadline_exceeded"), (Kind.SHED, "overloaded")])
def test_what_ends_it_from_outside_is_told_in_the_same_way(lab, kind, code):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [15.0, lambda: lab.cancel(kind), "stall"]
    answer = lab.ask(stream=True, headers=EVERY)
    assert orjson.loads(events(answer.body).removeprefix(b"data: "))["error"]["code"] == code
    assert answer.told[-1] == "abort"


def test_a_stream_that_breaks_after_its_first_content_breaks_as_ever(lab):
    alpha, beta = lab.chain("alpha", "beta")
    alpha.script[0] = [15.0, WORD, "cut"]
    answer = lab.ask(stream=True, headers=EVERY)
    assert (answer.kinds, beta.calls, answer.told[-1]) == (["protocol"], [], "abort")
    assert b"stream_cut" in answer.body


def test_a_mistake_of_our_own_is_told_too(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [15.0, lambda: 1 / 0]
    answer = lab.ask(stream=True, headers=EVERY)
    assert b"internal_error" in answer.body
    assert (answer.told[-1], answer.exchange.own_error) == ("abort", True)


def test_a_comment_is_no_commit_for_a_probe(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = 503
    lab.ask(), lab.ask()
    assert lab.breaker("alpha").state(lab.clock.now()) is State.OPEN
    lab.wait(40)
    alpha.script[0] = [15.0, "cut"]
    lab.ask(stream=True, headers=EVERY)
    assert lab.breaker("alpha").state(lab.clock.now()) is State.OPEN


def test_a_whole_answer_has_no_room_for_them(lab):
    (alpha,) = lab.chain("alpha")
    alpha.script[0] = [25.0, *lab_good()]
    answer = lab.ask(headers=EVERY)
    assert (answer.told, b"keep-alive" in answer.body) == (["answer"], False)


def lab_good() -> list[bytes]:
    return [b'{"id":"c","choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}']


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asked", ["", "0", "-1", "601", "1.5", "yes", "9999999999"])
def test_any_other_time_is_refused(lab, asked, stream):
    lab.chain("alpha")
    answer = lab.ask(stream=stream, headers={"x-sidestep-keep-alive": asked})
    assert (answer.status, answer.error["param"]) == (400, "x-sidestep-keep-alive")


def test_of_several_answers_side_by_side_the_first_content_ends_them(lab):
    lab.provider("alpha", profile={"n_max": 1})
    lab.route("m", "alpha", fan_out=True)
    lab.engines["alpha"].script[0] = LATE
    answer = lab.ask({"n": 2}, stream=True, headers=EVERY)
    assert (answer.body.count(COMMENT), answer.body.count(b'"word"')) == (2, 2)
    assert (answer.told[0], answer.told[-1]) == ("start", "finish")
    assert answer.body.rstrip().endswith(b"[DONE]")
