"""W3C's trace context as it is read and passed on, and which exchanges are recorded."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.profiles import profile_for
from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.tracing import STATE_CAP, Context, Sampler, begin, mend, passed_on, read_context
from translators.ir import Dialect

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
ALPHA = Provider("alpha", Dialect.OPENAI_CHAT, "https://alpha.test/v1")
TARGET = Target(ALPHA, "m", profile_for(ALPHA, "m"), BreakerSettings(), RetrySettings(), TimeoutSettings())
ALWAYS = Sampler()


def read(parent, state=""):
    return read_context({"traceparent": parent, "tracestate": state})


def test_a_context_is_read_as_it_was_written():
    assert read(GOOD, "a=1,b=2") == Context(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 1, "a=1,b=2")
    assert read(GOOD, "a=1").headers() == [("traceparent", GOOD), ("tracestate", "a=1")]
    assert read(GOOD).headers() == [("traceparent", GOOD)]


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "garbage",
        GOOD.upper(),
        GOOD[:-1],
        GOOD + "0",
        GOOD + "-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"00_{TRACE}_{SPAN}_01",
        GOOD.replace("4", "٤"),
    ],
)
def test_what_breaks_the_format_is_no_context(parent):
    assert read(parent, "a=1") is None


def test_a_later_version_is_read_by_what_is_known_of_it():
    assert read(f"01-{TRACE}-{SPAN}-ff-more") == Context(bytes.fromhex(TRACE), bytes.fromhex(SPAN), 3)


@pytest.mark.parametrize("state", ["x" * (STATE_CAP + 1), ",".join(["a=1"] * 33), "a=\x01", "a=ü"])
def test_a_state_that_is_too_much_or_no_text_is_left_out(state):
    assert read(GOOD, state) == read(GOOD)


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_a_client_sends_nothing_but_the_format_goes_on(parent, state):
    for name, value in passed_on(None, {"traceparent": parent, "tracestate": state}):
        assert name == "tracestate" or re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", value)
        assert value.isascii() and value.isprintable()


def fields(*pairs):
    return [(name.encode(), value.encode()) for name, value in pairs]


def test_a_state_in_pieces_is_put_together_in_order():
    given_ = fields(("traceparent", GOOD), ("tracestate", "a=1"), ("x", "y"), ("tracestate", "b=2"))
    headers = {"traceparent": GOOD, "tracestate": "b=2", "x": "y"}
    mend(given_, headers)
    assert headers == {"traceparent": GOOD, "tracestate": "a=1,b=2", "x": "y"}


def test_of_two_traces_none_is_taken():
    headers = {"traceparent": GOOD}
    mend(fields(("traceparent", GOOD), ("traceparent", GOOD)), headers)
    assert headers == {}


def test_other_repeats_are_not_looked_at():
    headers = {"tracestate": "b=2"}
    mend(fields(("tracestate", "a=1"), ("tracestate", "b=2")), headers)
    assert headers == {"tracestate": "b=2"}


def test_a_trace_without_a_parent_has_ids_of_its_own_and_says_that_they_are_random():
    trace = begin(ALWAYS, {}, os.urandom)
    assert (len(trace.context.trace_id), len(trace.context.span_id), trace.parent) == (16, 8, None)
    assert trace.context.flags == 3


def test_a_trace_goes_on_with_its_parents():
    trace = begin(ALWAYS, {"traceparent": GOOD, "tracestate": "a=1"}, os.urandom)
    assert trace.context.trace_id.hex() == TRACE and trace.context.state == "a=1"
    assert trace.context.span_id.hex() != SPAN and trace.parent.span_id.hex() == SPAN
    assert trace.context.flags == 1, "whether its id is random is known to who made it alone"


@pytest.mark.parametrize(
    ("sampler", "parent", "taken"),
    [
        (Sampler(1.0, follows=True), None, True),
        (Sampler(0.0, follows=True), None, False),
        (Sampler(1.0, follows=True), "00", False),
        (Sampler(0.0, follows=True), "01", True),
        (Sampler(1.0, follows=False), "00", True),
        (Sampler(0.0, follows=False), "01", False),
    ],
)
def test_who_decides_what_is_recorded(sampler, parent, taken):
    headers = {} if parent is None else {"traceparent": GOOD[:-2] + parent}
    assert begin(sampler, headers, os.urandom).context.sampled is taken


def test_a_part_is_taken_by_the_id_alone():
    half = Sampler(0.5, follows=False)
    assert half.takes(bytes(8) + b"\x7f" + b"\xff" * 7, None)
    assert not half.takes(bytes(8) + b"\x80" + bytes(7), None)


def test_a_provider_is_told_its_attempt_and_without_a_trace_what_the_client_brought():
    trace = begin(ALWAYS, {"traceparent": GOOD, "tracestate": "a=1"}, os.urandom)
    trace.attempt(TARGET, "closed", 1, 0.0)
    trace.attempt(TARGET, "closed", 1, 1.0)
    last = trace.attempts[-1].span_id.hex()
    assert passed_on(trace, {}) == [("traceparent", f"00-{TRACE}-{last}-01"), ("tracestate", "a=1")]
    assert passed_on(None, {"traceparent": GOOD}) == [("traceparent", GOOD)]
    assert passed_on(None, {}) == []


def test_what_is_not_recorded_is_told_so():
    trace = begin(Sampler(0.0), {}, os.urandom)
    trace.attempt(TARGET, "closed", 1, 0.0)
    assert passed_on(trace, {})[0][1].endswith("-02")


def test_an_attempt_begins_with_nothing_said():
    trace = begin(ALWAYS, {}, os.urandom)
    trace.attempt(TARGET, "closed", 1, 0.0)
    trace.told("first", ["stop"])
    trace.told("", ["length"])
    assert (trace.model, trace.finishes) == ("first", ["stop", "length"])
    trace.attempt(TARGET, "closed", 1, 1.0)
    assert (trace.model, trace.finishes) == ("", [])


def test_the_first_content_that_was_noted_stays_unless_the_client_got_it_later():
    trace = begin(ALWAYS, {}, os.urandom)
    trace.attempt(TARGET, "probe", 2, 1.0)
    trace.first(2.0)
    trace.ended("ok", 200, 0.0, 3.0)
    one = trace.attempts[0]
    assert (one.began, one.first, one.ended, one.kind, one.status, one.calls) == (1.0, 2.0, 3.0, "ok", 200, 2)
    trace.ended("protocol", 200, 2.5, 4.0)
    assert (one.first, one.kind, one.ended) == (2.5, "protocol", 4.0)
