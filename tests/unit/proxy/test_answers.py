"""What every answer says beside its content: headers, metadata, and how a failure is told."""

import re

import orjson
import pytest
from msgspec import structs

from proxy.answers import (
    ATTEMPTS_CAP,
    attempts_header,
    metadata,
    noted,
    retry_headers,
    safe,
    selection_header,
    served_headers,
    tell_fault,
)
from proxy.flow import Attempt, Choice, Exchange
from translators.catalog import DIALECTS, codec
from translators.codec import Context
from translators.faults import Fault, Kind
from translators.ir import Dialect
from translators.sse import EventSplitter
from translators.usage import Usage


class Told:
    started = False

    async def answer(self, status, headers, body) -> None:
        self.status, self.headers, self.body = status, dict(headers), body


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(
        id="req_1",
        route="chat",
        method="POST",
        path="/",
        headers={},
        read=None,
        peer="",
        out=Told(),
        codec=codec(Dialect.OPENAI_CHAT),
        started=0.0,
    )


def served(exchange: Exchange) -> Exchange:
    exchange.attempts += [Attempt("alpha/gpt-4o", "server", 503, 412, "it failed"), Attempt("beta/c", "ok", 200, 890)]
    exchange.provider, exchange.model = "beta", "c"
    exchange.translation, exchange.upstream_id = "dropped=seed", "up-1"
    return exchange


def told_of(exchange: Exchange):
    return metadata(exchange, 1.5, Usage(input=7, output=3))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("alpha/gpt-4o", "alpha/gpt-4o"),
        ("ft:gpt[1].x", "ft:gpt[1].x"),
        ("a b\r\nset-cookie: x", "abset-cookie:x"),
        ("modèle/模型", "modle/"),
    ],
)
def test_a_name_in_a_header_keeps_only_what_a_header_may_hold(name, shown):
    assert safe(name) == shown


def test_the_attempts_are_told_in_order_with_target_kind_status_and_milliseconds(exchange):
    assert attempts_header(served(exchange).attempts) == "alpha/gpt-4o;server;503;412, beta/c;ok;200;890"


def test_anthropics_sdks_find_the_request_id_where_they_look_for_it(exchange):
    assert "request-id" not in dict(served_headers(exchange))
    exchange.codec = codec(Dialect.ANTHROPIC_MESSAGES)
    headers = dict(served_headers(exchange))
    assert headers["request-id"] == headers["x-request-id"] == "req_1"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialects_stream_has_an_event_for_the_metadata(exchange, dialect):
    exchange.codec = codec(dialect)
    context = Context(id="x", created=5, model="m")
    [event] = EventSplitter().feed(exchange.codec.aside(told_of(served(exchange)), context))
    assert orjson.loads(event.data)["sidestep"] == told_of(exchange)


@pytest.mark.parametrize("length", [10, 200, 2000])
def test_a_long_list_of_attempts_is_capped_and_the_rest_counted(length):
    attempts = [Attempt("p/" + "m" * length, "server", 503, n) for n in range(100)]
    header = attempts_header(attempts)
    assert len(header) <= ATTEMPTS_CAP
    listed, _, left = header.rpartition("+")
    assert listed.count(";server;") + int(left) == 100


def test_who_served_is_said_in_headers_and_only_what_is_known(exchange):
    assert served_headers(exchange) == [("x-request-id", "req_1")]
    assert dict(served_headers(served(exchange))) == {
        "x-request-id": "req_1",
        "x-sidestep-provider": "beta",
        "x-sidestep-model": "c",
        "x-sidestep-attempts": "alpha/gpt-4o;server;503;412, beta/c;ok;200;890",
        "x-sidestep-translation": "dropped=seed",
        "x-sidestep-upstream-id": "up-1",
    }


def test_an_upstreams_id_cannot_grow_or_break_a_header(exchange):
    exchange.upstream_id = "x\r\n" * 200
    (value,) = [value for name, value in served_headers(exchange) if name == "x-sidestep-upstream-id"]
    assert value == "x" * 128


@pytest.mark.parametrize("body", [b'{"id":"c"}', b'{"id":"c"} \n', b"{}", b"{ }"])
def test_metadata_joins_a_whole_answer_without_changing_the_rest(exchange, body):
    joined = orjson.loads(noted(body, told_of(served(exchange))))
    assert joined.pop("sidestep") == told_of(exchange)
    assert joined == orjson.loads(body)


def test_what_is_no_object_is_left_alone(exchange):
    assert noted(b"[1]", {}) == b"[1]"


def test_metadata_says_what_the_headers_say(exchange):
    assert told_of(served(exchange)) == {
        "request_id": "req_1",
        "provider": "beta",
        "model": "c",
        "model_used": "c",
        "fallback_used": True,
        "processing_time_ms": 1500,
        "tokens_used": 10,
        "selection_reason": "the request names this model",
        "attempts": [
            {"target": "alpha/gpt-4o", "kind": "server", "status": 503, "ms": 412, "message": "it failed"},
            {"target": "beta/c", "kind": "ok", "status": 200, "ms": 890},
        ],
        "translation": "dropped=seed",
    }


def test_metadata_of_a_stream_is_a_chunk_without_choices(exchange):
    chunk = exchange.codec.aside(told_of(served(exchange)), Context(id="chatcmpl-1", created=7, model="c"))
    assert re.fullmatch(rb"data: \{.*\}\n\n", chunk)
    told = orjson.loads(chunk.removeprefix(b"data: "))
    assert (told["id"], told["object"], told["created"]) == ("chatcmpl-1", "chat.completion.chunk", 7)
    assert (told["choices"], told["sidestep"]) == ([], told_of(exchange))


@pytest.mark.parametrize(("wait", "told"), [(0.01, "1"), (1.0, "1"), (1.2, "2"), (40.0, "40")])
def test_a_wait_is_told_in_whole_seconds_rounded_up(wait, told):
    assert retry_headers(wait, should_retry=True) == [("retry-after", told), ("x-should-retry", "true")]


def test_nothing_is_said_of_retries_where_nothing_is_known():
    assert retry_headers(None, None) == []
    assert retry_headers(None, should_retry=False) == [("x-should-retry", "false")]


async def test_a_failure_is_told_in_the_clients_dialect_with_all_that_was_tried_and_skipped(exchange):
    served(exchange).skipped.append(("gamma/g", "its breaker\nis open"))
    fault = Fault(kind=Kind.SERVER, message="All targets failed.")
    await tell_fault(exchange, fault, retry_after_s=2, should_retry=True, more=[("allow", "POST")])
    out = exchange.out
    assert (out.status, exchange.status, exchange.fault) == (502, 502, fault)
    error = orjson.loads(out.body)["error"]
    assert error["sidestep"] == {
        "attempts": told_of(exchange)["attempts"],
        "skipped": [{"target": "gamma/g", "reason": "its breaker is open"}],
    }
    assert out.headers.items() >= {"retry-after": "2", "x-should-retry": "true", "allow": "POST"}.items()
    assert out.headers["content-type"] == "application/json"


async def test_a_failure_before_any_attempt_says_nothing_of_attempts(exchange):
    await tell_fault(exchange, Fault(kind=Kind.REFUSED, status=400, message="No."))
    assert "sidestep" not in orjson.loads(exchange.out.body)["error"]


def test_an_answer_names_the_targets_that_were_passed_over(exchange):
    assert "x-sidestep-skipped" not in dict(served_headers(served(exchange)))
    exchange.skipped = [("alpha/m", "tools: the model takes no tools"), ("gamma/ä b", "its breaker is open")]
    assert dict(served_headers(exchange))["x-sidestep-skipped"] == "alpha/m, gamma/b"
    assert told_of(exchange)["skipped"][0] == {"target": "alpha/m", "reason": "tools: the model takes no tools"}


def test_a_long_list_of_skipped_targets_is_capped(exchange):
    exchange.skipped = [(f"provider-{n}/{'m' * 60}", "x") for n in range(40)]
    told = dict(served_headers(exchange))["x-sidestep-skipped"]
    assert len(told) <= 1024
    names, _, left = told.rpartition(", +")
    assert len(names.split(", ")) + int(left) == 40


CHOICE = Choice("gpt-4o", "because", "balanced", "letters", 0.12, "simple")


def test_an_answer_says_which_model_was_chosen_and_by_what(exchange):
    assert "x-sidestep-selection" not in dict(served_headers(exchange))
    exchange.choice = structs.replace(CHOICE, header=selection_header(CHOICE))
    said = "gpt-4o; strategy=balanced; task=letters; complexity=0.12; level=simple"
    assert dict(served_headers(exchange))["x-sidestep-selection"] == said


def test_what_is_said_of_a_choice_is_fit_for_a_header():
    odd = Choice("a/b\r\nx: y", "because", experiment="rollout", arm="a/b")
    assert selection_header(odd) == "a/bx:y; experiment=rollout; arm=a/b"


def test_metadata_of_a_chosen_answer_says_why_by_whom_and_how_complex_it_looked(exchange):
    exchange.choice = CHOICE
    told = told_of(served(exchange))
    assert told.items() >= {"selection_reason": "because", "strategy": "balanced", "complexity_score": 0.12}.items()


@pytest.mark.parametrize(
    ("attempts", "skipped", "used"),
    [
        (["beta/c"], [], False),
        (["beta/c", "beta/c"], [], False),
        (["alpha/a", "beta/c"], [], True),
        (["beta/c"], [("alpha/a", "its breaker is open")], True),
    ],
)
def test_a_fallback_is_used_where_another_target_failed_or_was_passed_over(exchange, attempts, skipped, used):
    exchange.attempts = [Attempt(name, "ok", 200, 1) for name in attempts]
    exchange.provider, exchange.model, exchange.skipped = "beta", "c", skipped
    assert told_of(exchange)["fallback_used"] is used
