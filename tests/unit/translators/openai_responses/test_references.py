"""Items that are only named, put in from what their client was told."""

import orjson
import pytest

from translators import sse
from translators.faults import Malformed
from translators.openai_responses import parse_request, references, relay_request
from translators.openai_responses.references import items_streamed, items_told, spelled_out

USER = {"role": "user", "content": "go on"}
SAID = {"type": "message", "id": "msg_sidestep_a_0", "role": "assistant", "content": "hm"}


def named(identifier):
    return {"type": "item_reference", "id": identifier}


def spelled(*items, known=(SAID,)):
    told = {item["id"]: orjson.dumps(item) for item in known}
    return spelled_out({"model": "m", "input": list(items)}, told.get)["input"]


def test_a_named_item_stands_where_its_name_stood():
    assert spelled(USER, named(SAID["id"]), USER, {"id": SAID["id"]}) == [USER, SAID, USER, SAID]


def test_a_body_that_names_nothing_is_left_as_it_is():
    body = {"model": "m", "input": [USER, SAID]}
    assert spelled_out(body, {}.get) is body
    assert spelled_out({"model": "m", "input": "hi"}, {}.get) == {"model": "m", "input": "hi"}


def test_the_name_of_an_item_that_a_provider_may_keep_is_left():
    assert spelled(USER, named("msg_0a1b")) == [USER, named("msg_0a1b")]


@pytest.mark.parametrize("identifier", ["msg_sidestep_b_0", "fc_sidestep_b_1", "ctc_sidestep_b_1"])
def test_an_item_that_nobody_can_know_is_an_error_that_says_what_helps(identifier):
    with pytest.raises(Malformed) as bad:
        spelled(USER, named(identifier))
    assert bad.value.param == "input[1].id" and "'store': false" in str(bad.value)


def test_reasoning_that_nobody_can_know_is_left_out_and_told(profile):
    items = spelled(USER, named("rs_sidestep_b_0"))
    body, report = relay_request({"model": "m", "input": items}, profile, None)
    assert body["input"] == [USER]
    assert report.header() == "dropped=input[1]"
    reasoning = parse_request({"model": "m", "input": items}).items[1]
    assert reasoning.opaque is not None and reasoning.opaque.origin == "", (
        "a blob of an unknown maker: every renderer tells"
    )


def test_one_item_may_not_be_named_until_memory_ends(monkeypatch):
    monkeypatch.setattr(references, "SPELLED_CAP", 3 * len(orjson.dumps(SAID)))
    assert len(spelled(*[named(SAID["id"])] * 3)) == 3
    with pytest.raises(Malformed) as bad:
        spelled(*[named(SAID["id"])] * 4)
    assert (bad.value.status, bad.value.code, bad.value.param) == (413, "body_too_large", "input[3].id")


def test_items_are_heard_of_a_whole_answer_and_of_a_stream():
    assert list(items_told(orjson.dumps({"output": [SAID]}))) == [SAID]
    events = [
        {"type": "response.output_item.added", "item": {"id": "x"}},
        {"type": "response.output_text.delta", "delta": "response.output_item.done"},
        {"type": "response.output_item.done", "item": SAID},
    ]
    said = b"".join(sse.encode(orjson.dumps(event), event["type"]) for event in events)
    assert list(items_streamed(said)) == [SAID]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"output":3}', b'{"output":'])
def test_what_cannot_be_read_says_nothing(body):
    assert list(items_told(body)) == []
    assert list(items_streamed(b"data:response.output_item.done" + body)) == []
