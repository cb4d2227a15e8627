"""Chat in, chat out: what passes and the little that changes."""

import copy

import orjson
import pytest
from msgspec import structs

from translators.codec import Context
from translators.faults import Fault, Kind, ProtocolFault, Truncated
from translators.ir import Ended, Event, Failed, Finish, ReasoningDelta, TextDelta
from translators.openai_chat import as_stream, relay_request
from translators.openai_chat.relay import Relay
from translators.profile import Profile
from translators.sse import EventSplitter

PROFILE = Profile(provider="p", model="theirs")
ORIGIN = PROFILE.origin("openai-chat")
BODY = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}
DONE = Event(b"[DONE]")


def relayed(body, profile=PROFILE, bound=None):
    before = copy.deepcopy(body)
    out, report = relay_request(body, profile, bound)
    assert body == before
    return out, [(entry.field, entry.verdict.value) for entry in report.entries]


def test_everything_but_the_model_passes_tomorrows_fields_included():
    body = BODY | {"quantum": {"a": [1]}, "temperature": 0.3, "tools": [{"type": "new"}]}
    out, noted = relayed(body)
    assert out == body | {"model": "theirs"}
    assert out["messages"] is body["messages"]
    assert noted == []


def test_pictures_of_an_answer_pass_where_they_are_taken_back_or_nothing_is_known_of_the_vendor():
    drawn = {"role": "assistant", "content": "a", "images": [{"type": "image_url", "image_url": {"url": "data:"}}]}
    body = BODY | {"messages": [*BODY["messages"], drawn]}
    for profile in (PROFILE, structs.replace(PROFILE, vendor="openrouter", pictures_back=True)):
        assert relayed(body, profile)[0]["messages"] == body["messages"]
    out, noted = relayed(body, structs.replace(PROFILE, vendor="openai"))
    assert out["messages"][1] == {"role": "assistant", "content": "a"}
    assert noted == [("messages[1].images", "dropped")]


def test_instructions_come_from_the_role_that_the_vendor_knows():
    body = BODY | {"messages": [{"role": "developer", "content": "Be brief."}, *BODY["messages"]]}
    assert relayed(body)[0]["messages"] == body["messages"]
    out, noted = relayed(body, structs.replace(PROFILE, developer=False))
    assert out["messages"] == [{"role": "system", "content": "Be brief."}, *BODY["messages"]]
    assert noted == []


# -- usage and bounds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [None, {}, {"include_usage": False}, {"include_usage": True}])
def test_a_stream_always_asks_for_usage(options):
    out, _ = relayed(BODY | {"stream": True, "stream_options": options})
    assert out["stream_options"] == {"include_usage": True}


def test_other_stream_options_are_kept_and_unary_requests_get_none():
    options = {"include_obfuscation": False}
    out, _ = relayed(BODY | {"stream": True, "stream_options": options})
    assert out["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in relayed(BODY)[0]


@pytest.mark.parametrize(
    ("options", "left", "noted"),
    [
        ({"include_usage": True}, None, [("stream_options.include_usage", "dropped")]),
        ({"include_usage": False}, None, []),
        ({"include_usage": True, "x": 1}, {"x": 1}, [("stream_options.include_usage", "dropped")]),
    ],
)
def test_a_provider_that_takes_no_usage_option_gets_none(options, left, noted):
    out, entries = relayed(BODY | {"stream": True, "stream_options": options}, Profile(stream_usage=False))
    assert (out.get("stream_options"), entries) == (left, noted)


OLD = Profile(max_tokens_field="max_tokens")


@pytest.mark.parametrize(
    ("given", "profile", "bound", "left", "noted"),
    [
        ({}, Profile(), None, {}, []),
        ({}, Profile(), 100, {"max_completion_tokens": 100}, []),
        ({}, Profile(max_output=60), 100, {"max_completion_tokens": 60}, []),
        ({}, OLD, 100, {"max_tokens": 100}, []),
        ({"max_tokens": 5}, Profile(), 100, {"max_tokens": 5}, []),
        ({"max_tokens": None}, Profile(), 100, {"max_tokens": None, "max_completion_tokens": 100}, []),
        ({"max_completion_tokens": 5}, OLD, None, {"max_tokens": 5}, []),
        ({"max_tokens": 5}, Profile(rejects=frozenset({"max_tokens"})), None, {"max_completion_tokens": 5}, []),
        (
            {"max_tokens": 5, "max_completion_tokens": 6},
            OLD,
            None,
            {"max_tokens": 5, "max_completion_tokens": 6},
            [],
        ),
        ({"max_tokens": 90}, Profile(max_output=60), None, {"max_tokens": 60}, [("max_tokens", "clamped")]),
        ({"max_tokens": 60}, Profile(max_output=60), None, {"max_tokens": 60}, []),
    ],
)
def test_the_bound_is_the_clients_or_ours_by_the_name_the_model_takes(given, profile, bound, left, noted):
    out, entries = relayed(BODY | given, profile, bound)
    assert ({name: value for name, value in out.items() if name.startswith("max_")}, entries) == (left, noted)


def test_what_the_profile_refuses_or_renames_is_seen_to():
    profile = Profile(rejects=frozenset({"logit_bias"}), renames={"seed": "random_seed"}, requires={"safe": True})
    out, noted = relayed(BODY | {"seed": 1, "logit_bias": {"1": 2}}, profile)
    assert {name: out.get(name) for name in ("seed", "random_seed", "logit_bias", "safe")} == {
        "seed": None,
        "random_seed": 1,
        "logit_bias": None,
        "safe": True,
    }
    assert noted == [("logit_bias", "dropped")]


# -- what is bound to somebody -----------------------------------------------------------------------------------


def turn(**fields):
    return BODY | {"messages": [*BODY["messages"], {"role": "assistant", "content": "a", **fields}]}


def blob(origin=None):
    entry = {"type": "reasoning.encrypted", "data": "D", "format": "v1", "index": 0}
    return entry if origin is None else entry | {"origin": origin}


def test_reasoning_bound_to_this_target_goes_back_as_it_came():
    out, noted = relayed(turn(reasoning_content="r", reasoning_details=[blob(ORIGIN)]))
    assert out["messages"][1] == {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "r",
        "reasoning_details": [blob()],
    }
    assert noted == []


def test_reasoning_bound_elsewhere_is_removed_with_the_text_beside_it():
    out, noted = relayed(turn(reasoning_content="r", reasoning_details=[blob("other")]))
    assert out["messages"][1] == {"role": "assistant", "content": "a"}
    assert noted == [("messages[1].reasoning_details", "dropped")]


def test_of_unmarked_reasoning_only_the_blobs_are_removed():
    text = {"type": "reasoning.text", "text": "r"}
    out, noted = relayed(turn(reasoning_content="r", reasoning_details=[text, blob()]))
    assert out["messages"][1]["reasoning_details"] == [text]
    assert out["messages"][1]["reasoning_content"] == "r"
    assert noted == [("messages[1].reasoning_details", "dropped")]


def test_thinking_blocks_are_treated_alike():
    blocks = [{"type": "thinking", "thinking": "t", "signature": "S"}, {"type": "redacted_thinking", "data": "R"}]
    out, noted = relayed(turn(thinking_blocks=blocks))
    assert "thinking_blocks" not in out["messages"][1]
    assert noted == [("messages[1].thinking_blocks", "dropped")]


def test_plain_reasoning_text_passes():
    body = turn(reasoning_content="r")
    assert relayed(body)[0]["messages"] is body["messages"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, ""),
        ({"reasoning": "r"}, "r"),
        ({"reasoning_content": "r"}, "r"),
        ({"reasoning_content": "r", "reasoning_details": [blob("other")]}, ""),
    ],
)
def test_a_model_that_wants_its_reasoning_back_gets_its_own_on_every_turn(fields, text):
    out, _ = relayed(turn(**fields), Profile(reasoning_replay=True))
    assert out["messages"][1]["reasoning_content"] == text


def test_ids_fit_where_only_short_ones_are_taken():
    calls = [{"id": "call_abc", "type": "function", "function": {}}, "odd"]
    result = {"role": "tool", "tool_call_id": "call_abc", "content": "r"}
    body = BODY | {"messages": [{"role": "assistant", "tool_calls": calls}, result]}
    out, noted = relayed(body, Profile(tool_ids="alnum9"))
    [first, odd] = out["messages"][0]["tool_calls"]
    assert len(first["id"]) == 9
    assert out["messages"][1]["tool_call_id"] == first["id"]
    assert (odd, noted) == ("odd", [])


# -- unary calls as streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [None, False])
def test_a_unary_call_goes_as_it_is_unless_a_stream_is_wished_for(wanted):
    assert as_stream(BODY | {"max_tokens": 1_000_000}, Profile(upstream_stream=wanted)) is None


@pytest.mark.parametrize("usage", [True, False])
def test_one_that_is_to_be_streamed_says_so_and_asks_for_usage_where_it_may(usage):
    body = copy.deepcopy(BODY)
    out = as_stream(body, Profile(upstream_stream=True, stream_usage=usage))
    assert out == BODY | {"stream": True} | ({"stream_options": {"include_usage": True}} if usage else {})
    assert body == BODY


@pytest.mark.parametrize("field", [{"audio": {"voice": "x", "format": "wav"}}, {"functions": [{"name": "f"}]}])
def test_what_a_fold_could_not_give_back_is_never_streamed(field):
    assert as_stream(BODY | field, Profile(upstream_stream=True)) is None


# -- streams -----------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe():
    return Relay(PROFILE, Context(id="i", created=1, model="m"))


USAGE_ONLY = Event(b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}')


def test_events_pass_as_they_came(pipe, chunk):
    event = Event(b'{ "choices": [ {"delta":{"content":"a"},"odd":1e2} ], "obfuscation":"xyz" }')
    assert pipe.feed(event)[1] == b"data: " + event.data + b"\n\n"
    assert pipe.feed(Event(b'{"a":1}', "tick"))[1] == b'event: tick\ndata: {"a":1}\n\n'
    assert pipe.feed(chunk({}, "stop"))[0] == [Ended(Finish.STOP)]


def test_the_end_mark_is_ours_and_comes_once(pipe, chunk):
    pipe.feed(chunk({"content": "a"}, "stop"))
    assert not pipe.done
    assert pipe.feed(DONE) == ((), b"")
    assert pipe.done
    assert pipe.close() == ((), b"data: [DONE]\n\n")


def test_a_cut_stream_gets_no_end(pipe, chunk):
    pipe.feed(chunk({"content": "a"}))
    pipe.feed(DONE)
    with pytest.raises(Truncated):
        pipe.close()


def test_usage_alone_is_kept_back_unless_asked_for(pipe, chunk):
    assert pipe.feed(USAGE_ONLY)[1] == b""
    beside = chunk({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 1})
    assert b'"usage"' in pipe.feed(beside)[1]
    asked = Relay(PROFILE, Context(id="i", created=1, model="m", include_usage=True))
    assert asked.feed(USAGE_ONLY)[1] == b"data: " + USAGE_ONLY.data + b"\n\n"


def told(pipe, *chunks):
    """What the client reads."""
    data = b"".join(pipe.feed(one if isinstance(one, Event) else Event(orjson.dumps(one)))[1] for one in chunks)
    return [orjson.loads(event.data) for event in EventSplitter().feed(data)]


def test_azures_first_chunk_without_choices_becomes_part_of_the_next(pipe, chunk):
    filters = {"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    [first, second] = told(pipe, filters, chunk({"content": "a"}), chunk({}, "stop"))
    assert first["choices"][0]["delta"] == {"content": "a"}
    assert (first["id"], first["prompt_filter_results"]) != ("", None)
    assert first["prompt_filter_results"] == [{"prompt_index": 0}]
    assert "prompt_filter_results" not in second


def test_a_later_chunk_without_choices_passes_as_it_came(pipe, chunk):
    [_, later] = told(pipe, chunk({"content": "a"}), {"choices": [], "moderation": {"flagged": False}})
    assert later == {"choices": [], "moderation": {"flagged": False}}


def test_an_upstreams_error_is_told_by_us_and_never_passes(pipe):
    deltas, data = pipe.feed(Event(b'{"error":{"message":"secret bill","code":"insufficient_quota"}}'))
    assert isinstance(deltas[0], Failed)
    assert data == b""
    event = orjson.loads(pipe.fault(Fault(kind=Kind.QUOTA, message="m")).removeprefix(b"data: "))
    assert event["error"]["code"] == "no_target_available"


def test_an_invalid_event_is_a_protocol_fault(pipe):
    with pytest.raises(ProtocolFault):
        pipe.feed(Event(b"not json"))


def test_blobs_in_a_stream_are_marked(pipe, chunk):
    _, data = pipe.feed(chunk({"reasoning_details": [blob(), {"text": "t"}]}, odd=1))
    event = orjson.loads(data.removeprefix(b"data: "))
    assert event["choices"][0]["delta"]["reasoning_details"] == [blob(ORIGIN), {"text": "t"}]
    assert event["odd"] == 1


def test_marks_are_for_the_choices_that_have_blobs(pipe):
    choices = [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"reasoning_details": [blob()]}}]
    _, data = pipe.feed(Event(orjson.dumps({"choices": choices})))
    deltas = [choice["delta"] for choice in orjson.loads(data.removeprefix(b"data: "))["choices"]]
    assert deltas == [{"content": "a"}, {"reasoning_details": [blob(ORIGIN)]}]


def test_a_provider_without_the_usage_option_is_left_alone_when_nobody_asked():
    assert "stream_options" not in relayed(BODY | {"stream": True}, Profile(stream_usage=False))[0]


def test_reasoning_counts_as_shown(pipe):
    assert pipe.shows(ReasoningDelta("r"))
    assert pipe.shows(TextDelta("a"))
