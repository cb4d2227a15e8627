"""Spans as bytes, read back with the protocol's own types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from proxy.telemetry import otlp
from proxy.telemetry.otlp import Envelope

TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
VALUE = (
    TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.lists(TEXT, max_size=3)
)


def value_of(value: AnyValue):
    kind = value.WhichOneof("value")
    return [one.string_value for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def told(attributes):
    return {one.key: value_of(one.value) for one in attributes}


def sent(*spans, resource=None, scope="s", version="1"):
    return ExportTraceServiceRequest.FromString(Envelope(resource or {}, scope, version).around(spans))


def one(**fields):
    whole = {
        "trace_id": b"t" * 16, "span_id": b"s" * 8, "parent_id": b"", "state": "", "flags": 0x101, "name": "n",
        "kind": otlp.SERVER, "start": 1, "end": 2, "attributes": {},
    }  # fmt: skip
    return otlp.span(**(whole | fields))


def read(*spans):
    return list(sent(*spans).resource_spans[0].scope_spans[0].spans)


def test_every_field_is_where_the_protocol_has_it():
    event = otlp.event("first", 2**63 + 5, {"a": "b"})
    [span] = read(
        one(
            parent_id=b"p" * 8,
            state="a=1",
            name="chat ü",
            kind=otlp.CLIENT,
            start=1_795_274_211_709_351_930,
            end=2**64 - 1,
            attributes={"k": 1},
            events=[event],
            failed=True,
        )
    )
    assert (span.trace_id, span.span_id, span.parent_span_id) == (b"t" * 16, b"s" * 8, b"p" * 8)
    assert (span.trace_state, span.name, span.kind, span.flags) == ("a=1", "chat ü", 3, 0x101)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_795_274_211_709_351_930, 2**64 - 1)
    assert (span.status.code, span.status.message) == (2, "")
    assert told(span.attributes) == {"k": 1}
    [first] = span.events
    assert (first.name, first.time_unix_nano, told(first.attributes)) == ("first", 2**63 + 5, {"a": "b"})


def test_a_span_that_is_the_first_of_its_trace_and_went_well_says_neither_parent_nor_status():
    [span] = read(one())
    assert (span.parent_span_id, span.trace_state, span.status.code) == (b"", "", 0)
    assert not span.HasField("status")


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=90), VALUE, max_size=6))
def test_any_attribute_comes_back_as_it_was(attributes):
    [span] = read(one(attributes=attributes))
    assert told(span.attributes) == attributes
    assert [one.key for one in span.attributes] == list(attributes)


def test_text_that_is_no_unicode_does_not_spoil_the_rest():
    [span] = read(one(name="\ud800", attributes={"k": "\udfff", "l": 1}))
    assert (span.name, told(span.attributes)) == ("?", {"k": "?", "l": 1})


@pytest.mark.parametrize("count", [0, 1, 700])
def test_a_request_is_its_spans_in_order_under_their_resource_and_scope(count):
    message = sent(*(one(name=f"n{i}") for i in range(count)), resource={"service.name": "shop"}, scope="sidestep")
    [whose] = message.resource_spans
    assert told(whose.resource.attributes) == {"service.name": "shop"}
    [scope] = whose.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("sidestep", "1")
    assert [span.name for span in scope.spans] == [f"n{i}" for i in range(count)]


@given(st.integers(0, 2**32 - 1), st.text(st.characters(codec="utf-8"), max_size=300))
def test_what_a_collector_rejected_is_read_of_its_answer(count, why):
    answer = ExportTraceServiceResponse()
    answer.partial_success.error_message = why
    answer.partial_success.rejected_spans = count
    assert otlp.rejected(answer.SerializeToString()) == count


@given(st.binary(max_size=60))
def test_an_answer_of_any_bytes_is_read_without_harm(answer):
    assert 0 <= otlp.rejected(answer) < 2**32


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"partialSuccess": {}}', b"\x0a\xff", b"\x08\x05", b"\x0a\x02\x08"])
def test_an_answer_that_rejects_nothing_or_is_another_thing_counts_none(answer):
    assert otlp.rejected(answer) == 0
