"""What a request's head must be like."""

import pytest

from proxy.edge.hygiene import body_refusal, head_refusal

GOOD = [("host", "localhost"), ("content-type", "application/json"), ("content-length", "2")]


def refused(*more, without=(), version="1.1"):
    fields = [field for field in GOOD if field[0] not in without] + list(more)
    raw = [(name.encode(), value.encode()) for name, value in fields]
    refusal = head_refusal(version, raw, dict(fields))
    return refusal.fault if refusal else None


def test_an_ordinary_head_passes():
    assert refused(("accept", "a"), ("accept", "b"), ("x-unknown", "1"), ("x-unknown", "2")) is None


@pytest.mark.parametrize("version", ["1.0", "2", "0.9"])
def test_only_http_1_1_is_served(version):
    assert refused(version=version).status == 505


def test_a_host_is_needed():
    assert "Host" in refused(without=["host"]).message
    assert "Host" in refused(("host", ""), without=["host"]).message


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "authorization",
        "x-api-key",
        "origin",
        "idempotency-key",
        "x-sidestep-mode",
        "x-sidestep-user",
        "x-sidestep-team",
        "x-sidestep-task",
        "x-sidestep-strategy",
        "x-sidestep-session",
        "x-request-timeout",
        "x-stainless-retry-count",
        "x-stainless-read-timeout",
        "x-stainless-timeout",
    ],
)
def test_a_field_that_decides_something_may_not_be_repeated(name):
    fault = refused((name, "chunked"), (name, "chunked"), without=["content-length"])
    assert (fault.status, fault.message) == (400, f"The header '{name}' is given more than once.")


def test_a_repeated_field_is_named():
    assert "'authorization'" in refused(("authorization", "Bearer a"), ("authorization", "Bearer b")).message


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip", "identity", "chunked, chunked", "xchunked", ""])
def test_only_chunked_is_a_transfer_coding(coding):
    assert refused(("transfer-encoding", coding), without=["content-length"]).status == 501


def test_chunked_alone_is_fine():
    assert refused(("transfer-encoding", "Chunked"), without=["content-length"]) is None


def test_a_body_has_one_length():
    assert "together" in refused(("transfer-encoding", "chunked")).message


def test_names_with_underscores_are_refused():
    """Gateways that turn headers into variables take them for the same name with a dash."""
    assert "'x_api_key'" in refused(("x_api_key", "k")).message


def test_a_request_that_came_from_a_sidestep_is_a_loop():
    fault = refused(("x-sidestep-hop", "1"))
    assert (fault.status, fault.code) == (508, "loop_detected")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_bodies_are_taken(kind):
    assert body_refusal({"content-type": kind}) is None


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_other_bodies_are_refused_by_type(kind):
    """Every type a web page may send elsewhere without asking is among them."""
    fault = body_refusal({"content-type": kind}).fault
    assert (fault.status, fault.code) == (400, "unsupported_media_type")


def test_a_compressed_body_is_refused_by_its_encoding():
    """It would else be told as JSON that is none."""
    fault = body_refusal({"content-type": "application/json", "content-encoding": "gzip"}).fault
    assert (fault.status, fault.code) == (415, "unsupported_media_type")
    assert "content-encoding" in fault.message
    assert body_refusal({"content-encoding": "Identity"}) is None


def test_a_body_without_a_type_is_taken_from_a_program_only():
    assert body_refusal({}) is None
    assert body_refusal({"origin": "http://localhost"}).fault.code == "unsupported_media_type"
