"""Streams that other gateways lost calls, arguments, errors or ends of on their way to the client."""

import orjson
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from tests.gateways.bridge import (
    CHAT,
    CLAUDE,
    GEMINI,
    RESPONSES,
    blocks_of,
    call_chunk,
    call_item,
    calls_of,
    chat_answer,
    chunk,
    claude_answer,
    claude_events,
    deltas_of,
    event_of,
    finishes_of,
    gemini_answer,
    kinds_of,
    payloads,
    profile,
    relayed,
    response_of,
    streamed,
    told,
)
from translators.catalog import DIALECTS, codec
from translators.codec import Context
from translators.faults import Fault, Kind, Truncated

USE = {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {}}


# L#5063 (BerriAI/litellm)
@pytest.mark.parametrize("deltas", [[], [{"type": "input_json_delta", "partial_json": ""}]])
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
def test_a_call_without_arguments_streams_an_empty_object(deltas, client):
    events = streamed(CLAUDE, client, claude_events([USE, *deltas], stop="tool_use"))
    if client == CHAT:
        assert calls_of(events) == [["toolu_1", "look_up", "{}"]]
        assert finishes_of(events)[-1] == "tool_calls"
    else:
        [done] = [one for one in events if one["type"] == "response.function_call_arguments.done"]
        assert done["arguments"] == "{}"
        assert events[-1]["response"]["output"][0]["arguments"] == "{}"


ARGUED = [
    chunk(role="assistant", content=None),
    call_chunk(0, "", id="call_1", type="function", name="look_up"),
    call_chunk(0, '{"city":'),
    call_chunk(0, '"Rome"}'),
    chunk("tool_calls"),
    b"[DONE]",
]


# L#13638 (BerriAI/litellm)
def test_pieces_of_arguments_are_pieces_of_json_to_an_anthropic_client_never_text():
    events = streamed(CHAT, CLAUDE, ARGUED)
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas] == ["input_json_delta"] * len(deltas)
    assert "".join(delta["partial_json"] for delta in deltas) == '{"city":"Rome"}'
    assert blocks_of(events) == [USE | {"id": "call_1", "input": {"city": "Rome"}}]


def responses_events(*pieces, done='{"city":"Rome"}'):
    """A call's stream; no pieces for one that says its arguments only when they are done."""
    item = call_item(done)
    at = {"output_index": 0, "item_id": "fc_1"}
    events = [{"type": "response.created", "response": response_of(status="in_progress")}]
    events.append({"type": "response.output_item.added", "output_index": 0, "item": item | {"arguments": ""}})
    events += [{"type": "response.function_call_arguments.delta", "delta": piece, **at} for piece in pieces]
    events.append({"type": "response.function_call_arguments.done", "arguments": done, **at})
    events.append({"type": "response.output_item.done", "output_index": 0, "item": item})
    events.append({"type": "response.completed", "response": response_of(item)})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


# L#40207 (BerriAI/litellm)
@pytest.mark.parametrize("client", [CHAT, CLAUDE, GEMINI])
def test_an_empty_piece_of_arguments_does_not_end_the_stream(client):
    events = responses_events('{"city":', "", '"Rome"}')
    assert called_with(client, streamed(RESPONSES, client, events)) == {"city": "Rome"}


# L#25321 (BerriAI/litellm)
@pytest.mark.parametrize("client", [CHAT, CLAUDE, GEMINI])
def test_arguments_that_come_only_when_they_are_done_reach_the_client(client):
    assert called_with(client, streamed(RESPONSES, client, responses_events())) == {"city": "Rome"}


def called_with(client, events):
    """The arguments of the one call that a client was sent."""
    if client == CHAT:
        [[_, _, arguments]] = calls_of(events)
        return orjson.loads(arguments)
    if client == CLAUDE:
        [block] = blocks_of(events)
        return block["input"]
    parts = [part for event in events for one in event.get("candidates", ()) for part in one["content"]["parts"]]
    [call] = [part["functionCall"] for part in parts if "functionCall" in part]
    return call["args"]


# L#25390 (BerriAI/litellm)
def test_arguments_that_come_whole_with_the_name_reach_an_anthropic_client():
    events = [call_chunk(0, '{"city":"Rome"}', id="call_1", type="function", name="look_up"), chunk("tool_calls")]
    assert called_with(CLAUDE, streamed(CHAT, CLAUDE, [*events, b"[DONE]"])) == {"city": "Rome"}


# L#25561 (BerriAI/litellm)
def test_arguments_of_gemini_are_in_the_stream_of_an_anthropic_client():
    events = [gemini_answer({"functionCall": {"name": "look_up", "args": {"city": "Rome"}}})]
    told_events = streamed(GEMINI, CLAUDE, events)
    assert called_with(CLAUDE, told_events) == {"city": "Rome"}
    assert told_events[-2]["delta"]["stop_reason"] == "tool_use"


# L#15322 (BerriAI/litellm)
@pytest.mark.parametrize("client", [CHAT, CLAUDE, RESPONSES])
def test_arguments_that_were_cut_by_the_bound_end_as_length_and_stay_as_they_are(client):
    cut = [USE, {"type": "input_json_delta", "partial_json": '{"city":"Ro'}]
    events = streamed(CLAUDE, client, claude_events(cut, stop="max_tokens"))
    if client == CHAT:
        assert (calls_of(events)[0][2], finishes_of(events)[-1]) == ('{"city":"Ro', "length")
    elif client == CLAUDE:
        pieces = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
        assert ("".join(pieces), events[-2]["delta"]["stop_reason"]) == ('{"city":"Ro', "max_tokens")
    else:
        response = events[-1]["response"]
        assert (response["status"], response["output"][0]["arguments"]) == ("incomplete", '{"city":"Ro')


# Portkey-AI/gateway#1200
@pytest.mark.parametrize(("client", "word"), [(CHAT, "length"), (CLAUDE, "max_tokens")])
def test_geminis_token_bound_is_the_clients_word_for_it(client, word):
    answer = gemini_answer({"text": "on and"}, finish="MAX_TOKENS")
    whole = told(GEMINI, client, answer)
    events = streamed(GEMINI, client, [answer])
    if client == CHAT:
        assert (whole["choices"][0]["finish_reason"], finishes_of(events)[-1]) == (word, word)
    else:
        assert (whole["stop_reason"], events[-2]["delta"]["stop_reason"]) == (word, word)


TEXT = {"type": "text", "text": ""}
HELLO = claude_events([TEXT, *({"type": "text_delta", "text": one} for one in ("he", "l", "lo"))])
GEMINI_HELLO = [gemini_answer({"text": "he"}, finish=None), gemini_answer({"text": "llo"})]


# songquanpeng/one-api#1408
@pytest.mark.parametrize(("upstream", "events"), [(CLAUDE, HELLO), (GEMINI, GEMINI_HELLO)])
def test_only_the_last_chunk_has_a_finish_reason_and_the_others_say_null(upstream, events):
    finishes = finishes_of(streamed(upstream, CHAT, events))
    assert finishes == [None] * (len(finishes) - 1) + ["stop"]
    assert len(finishes) > 2


# googleapis/python-genai#2868
def test_a_stop_beside_calls_is_the_finish_of_calls():
    """Gemini's own layer of this dialect says so; a client that forced a named tool is told `stop`, as OpenAI does."""
    chunks = [*ARGUED[:-2], chunk("stop"), b"[DONE]"]
    assert streamed(CHAT, CLAUDE, chunks)[-2]["delta"]["stop_reason"] == "tool_use"
    call = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    assert told(CHAT, CLAUDE, chat_answer("stop", tool_calls=[call]))["stop_reason"] == "tool_use"
    whole = told(GEMINI, CHAT, gemini_answer({"functionCall": {"name": "look_up", "args": {}}}))
    assert whole["choices"][0]["finish_reason"] == "tool_calls"


# FootprintAI/Containarium#819
def test_passing_a_stream_on_keeps_every_piece_of_a_call():
    assert relayed(CHAT, ARGUED) == [*ARGUED[:-1], "[DONE]"]
    assert calls_of(relayed(CHAT, ARGUED)) == [["call_1", "look_up", '{"city":"Rome"}']]


# L#32159 (BerriAI/litellm)
@pytest.mark.parametrize("client", DIALECTS)
def test_an_anthropic_stream_without_its_end_is_no_answer(client):
    with pytest.raises(Truncated):
        streamed(CLAUDE, client, HELLO[:-2])


@pytest.mark.parametrize("without", [1, 2])
def test_an_anthropic_client_is_told_of_a_missing_end_by_an_error_event(without):
    reader, writer = codec(CLAUDE).reader(profile()), codec(CLAUDE).writer(Context(id="i", created=5, model="m"))
    sent = b"".join(writer.feed(delta) for event in HELLO[:-without] for delta in reader.feed(event_of(event)))
    with pytest.raises(Truncated):
        reader.close()
    events = payloads(sent + writer.fault(Fault(kind=Kind.PROTOCOL, message="it was cut")))
    assert kinds_of(events)[-1] == "error"
    assert "message_stop" not in kinds_of(events)


ENDS = {
    CHAT: "[DONE]",
    CLAUDE: "message_stop",
    RESPONSES: "response.completed",
    GEMINI: "STOP",
}


# dativo-io/talon#254
@pytest.mark.parametrize("client", ENDS)
@pytest.mark.parametrize(("upstream", "events"), [(CLAUDE, HELLO), (GEMINI, GEMINI_HELLO)])
def test_a_stream_ends_as_the_clients_dialect_ends(upstream, events, client):
    *before, last = streamed(upstream, client, events)
    assert end_of(last) == ENDS[client]
    assert ENDS[client] not in [end_of(one) for one in before]


def end_of(event):
    if isinstance(event, str):
        return event
    return event.get("type") or event.get("candidates", [{}])[0].get("finishReason")


FILTERS = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{}]}


# pydantic/pydantic-ai#164
@pytest.mark.parametrize("client", [CLAUDE, RESPONSES, GEMINI, CHAT])
def test_a_first_chunk_without_choices_is_passed_over(client):
    events = streamed(CHAT, client, [FILTERS, chunk(role="assistant", content="hi"), chunk("stop"), b"[DONE]"])
    assert "hi" in orjson.dumps(events).decode()
    if client == CHAT:
        assert events[0]["choices"]
        assert {event["model"] for event in events[:-1]} == {"m"}


# microsoft/autogen#6465
@pytest.mark.parametrize("client", [CLAUDE, RESPONSES, GEMINI, CHAT])
def test_a_last_choice_without_a_delta_is_passed_over(client):
    offsets = {"content_filter_offsets": {"check_offset": 0}, "content_filter_results": {}}
    trailing = {**FILTERS, "choices": [{"index": 0, "finish_reason": None, **offsets}]}
    plain = [chunk(role="assistant", content="hi"), chunk("stop")]
    assert streamed(CHAT, client, [*plain, trailing, b"[DONE]"]) == streamed(CHAT, client, [*plain, b"[DONE]"])
    for delta in deltas_of(streamed(CHAT, CHAT, [*plain, trailing, b"[DONE]"])):
        assert isinstance(delta, dict)


def test_a_servers_tool_in_an_answer_is_no_call_that_the_client_would_have_to_answer():
    """The replay of such turns is in the tests of turns."""
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
    message = told(CLAUDE, CHAT, claude_answer({"type": "text", "text": "one"}, search))["choices"][0]["message"]
    assert (message["content"], message.get("tool_calls")) == ("one", None)


def test_a_refusal_that_ends_as_any_other_answer_is_one_to_an_anthropic_client():
    """OpenAI ends a structured answer that the model refused with `stop`."""
    assert told(CHAT, CLAUDE, chat_answer(refusal="No."))["stop_reason"] == "refusal"
    events = streamed(CHAT, CLAUDE, [chunk(refusal="No."), chunk("stop"), b"[DONE]"])
    assert events[-2]["delta"]["stop_reason"] == "refusal"


def test_citations_of_a_stream_can_be_put_together_by_openais_sdk():
    """It puts lists together by the index of their entries, and fails without one."""
    note = {"type": "web_search_result_location", "url": "https://a.test", "title": "A", "cited_text": "hi"}
    cited = {"type": "citations_delta", "citation": {**note, "encrypted_index": "e"}}
    text = [{"type": "text", "text": ""}, {"type": "text_delta", "text": "hi"}, cited]
    state = ChatCompletionStreamState()
    for event in streamed(CLAUDE, CHAT, claude_events(text, text))[:-1]:
        state.handle_chunk(ChatCompletionChunk.model_validate(event))
    message = state.current_completion_snapshot.choices[0].message
    assert [one.url_citation.end_index for one in message.annotations] == [2, 4]
