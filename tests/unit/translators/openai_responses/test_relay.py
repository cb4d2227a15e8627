"""Requests and streams that pass as they came, but for what is bound to a place."""

import orjson
import pytest
from msgspec import structs

from translators import openai_responses
from translators.faults import Fault, Kind, Truncated
from translators.ir import Event, Opaque, ReasoningDelta, TextDelta
from translators.openai_responses import as_stream, relay_request
from translators.openai_responses.marks import Mark, marked, unmarked
from translators.sse import EventSplitter

OTHER = "openai-responses|other|m|"


def thought(blob, **fields):
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob, **fields}


def relayed(profile, *items, **fields):
    body = {"model": "x", "input": list(items) or "hi", **fields}
    kept = orjson.dumps(body)
    out, report = relay_request(body, profile, None)
    assert orjson.dumps(body) == kept
    return out, report.header()


def test_all_but_the_model_passes(profile):
    fields = {"previous_response_id": "resp_1", "novel": {"a": 1}, "tools": [{"type": "mcp"}], "stream": True}
    out, lost = relayed(profile, **fields)
    assert (out, lost) == ({"model": "m-1", "input": "hi", **fields}, "")


@pytest.mark.parametrize(
    ("given", "bound", "most", "sent"),
    [
        (None, 100, None, 100),
        (None, 100, 50, 50),
        (None, 3, None, 16),
        (20, 100, None, 20),
        (200, None, 50, 50),
        (None, None, 50, None),
    ],
)
def test_an_output_bound_is_the_clients_else_ours_never_above_the_models(profile, given, bound, most, sent):
    body = {"model": "x", "input": "hi", **({} if given is None else {"max_output_tokens": given})}
    out, _ = relay_request(body, structs.replace(profile, max_output=most), bound)
    assert out.get("max_output_tokens") == sent


def test_a_blob_comes_back_to_its_maker_without_its_mark(profile, origin):
    out, lost = relayed(profile, thought(marked(Opaque("encrypted", "gAAA", origin))))
    assert (out["input"], lost) == ([thought("gAAA")], "")


def test_a_blob_without_a_mark_passes(profile):
    """Its client would have sent it there itself."""
    out, lost = relayed(profile, thought("gAAA"))
    assert (out["input"], lost) == ([thought("gAAA")], "")


def test_a_blob_of_another_is_left_out_with_the_ids_that_tie_others_to_it(profile):
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
    search = {"type": "web_search_call", "id": "ws_1"}
    out, lost = relayed(profile, thought(marked(Opaque("encrypted", "gAAA", OTHER))), call, search)
    assert out["input"] == [{key: value for key, value in call.items() if key != "id"}, search]
    assert lost == "dropped=input[0]"


def test_reasoning_that_its_provider_stores_keeps_the_id_that_is_all_there_is_of_it(profile):
    """Also where another's reasoning is left out, and with it the ids of what could be tied to that."""
    stored = {"type": "reasoning", "id": "rs_1", "summary": []}
    out, _ = relayed(profile, thought(marked(Opaque("encrypted", "gAAA", OTHER))), stored)
    assert out["input"] == [stored]


def test_an_id_made_here_is_told_to_nobody(profile):
    said = {"type": "message", "id": "msg_sidestep_x_0", "role": "assistant", "content": []}
    stored = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    out, lost = relayed(profile, said, stored)
    assert (out["input"], lost) == ([{key: said[key] for key in ("type", "role", "content")}, stored], "")


def test_a_compacted_history_of_another_is_refused(profile):
    """The conversation would be another without it."""
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": marked(Opaque("encrypted", "x", OTHER))}
    out, report = relay_request({"model": "m", "input": [item, {"role": "user", "content": "hi"}]}, profile, None)
    assert [item["content"] for item in out["input"]] == ["hi"]
    assert [(entry.field, entry.verdict) for entry in report.entries] == [("input[0]", "refused")]


def test_what_the_model_cannot_be_shown_is_refused(profile):
    picture = {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/a.png"}]}
    _, lost = relayed(structs.replace(profile, images=False), picture)
    assert lost == "dropped=input[0].content[0].input_image"


def test_what_is_refused_behind_something_left_out_keeps_its_place(profile):
    picture = {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/a.png"}]}
    foreign = thought(marked(Opaque("encrypted", "gAAA", OTHER)))
    _, report = relay_request({"model": "m", "input": [foreign, picture]}, structs.replace(profile, images=False), None)
    assert {entry.field for entry in report.entries} == {"input[0]", "input[1].content[0].input_image"}


@pytest.mark.parametrize(
    ("wanted", "body", "streams"),
    [
        (True, {"store": False}, True),
        (True, {}, False),
        (True, {"store": False, "background": True}, False),
        (None, {"store": False}, False),
    ],
)
def test_a_call_is_folded_only_where_nothing_is_stored_under_its_id(profile, wanted, body, streams):
    out = as_stream(body, structs.replace(profile, upstream_stream=wanted))
    assert out == ({**body, "stream": True} if streams else None)


# -- streams -----------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe(profile, context):
    return openai_responses.relay(profile, context)


def test_events_pass_as_they_came(pipe):
    data = b'{"type": "response.output_text.delta", "output_index":0,"content_index":0,"delta":"x","novel":1}'
    assert pipe.feed(Event(data)) == ([TextDelta("x")], b"data: " + data + b"\n\n")
    novel = b'{"type":"response.novel"}'
    assert pipe.feed(Event(novel, "response.novel"))[1] == b"event: response.novel\ndata: " + novel + b"\n\n"


def test_blobs_get_their_mark_wherever_they_stand(pipe, event, ending, origin):
    told = []
    for one in (
        event("response.output_item.done", output_index=0, item=thought("gAAA")),
        ending(output=[thought("gAAA"), {"type": "message"}]),
    ):
        [passed] = EventSplitter().feed(pipe.feed(one)[1])
        told.append(orjson.loads(passed.data))
    mark = Mark(Opaque("encrypted", "gAAA", origin))
    assert unmarked(told[0]["item"]["encrypted_content"]) == mark
    assert unmarked(told[1]["response"]["output"][0]["encrypted_content"]) == mark
    assert pipe.done
    assert pipe.close() == ((), b"")


def test_the_end_mark_of_other_dialects_is_not_passed(pipe, ending):
    pipe.feed(ending())
    assert pipe.feed(Event(b"[DONE]")) == ((), b"")


def test_a_stream_that_is_cut_has_no_regular_end(pipe, event):
    pipe.feed(event("response.output_text.delta", output_index=0, content_index=0, delta="x"))
    with pytest.raises(Truncated):
        pipe.close()


def test_a_failure_is_told_in_our_words_by_the_id_the_client_knows(pipe, event):
    pipe.feed(event("response.created", response={"id": "resp_9", "model": "m-2"}, sequence_number=0))
    assert pipe.feed(event("error", error={"message": "secret"}, sequence_number=1))[1] == b""
    error, failed = EventSplitter().feed(pipe.fault(Fault(kind=Kind.SERVER, message="it broke")))
    assert (error.name, orjson.loads(error.data)["sequence_number"]) == ("error", 2)
    told = orjson.loads(failed.data)
    assert (told["type"], told["sequence_number"]) == ("response.failed", 3)
    assert (told["response"]["id"], told["response"]["model"]) == ("resp_9", "m-2")


def test_a_failure_before_the_answer_began_is_an_error_alone(pipe):
    assert len(EventSplitter().feed(pipe.fault(Fault(kind=Kind.SERVER, message="it broke")))) == 1


def test_everything_is_shown(pipe):
    assert pipe.shows(ReasoningDelta("x"))
    assert pipe.shows(TextDelta("x"))
