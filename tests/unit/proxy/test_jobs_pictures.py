"""Pictures that a Gemini model makes as its answer, for clients of every dialect, and on their way back."""

import orjson
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob
from translators.catalog import codec
from translators.codec import Context
from translators.ir import Dialect, Event
from translators.profile import Profile

CHAT, RESPONSES, MESSAGES = Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC_MESSAGES
COMPLETIONS, GEMINI = Dialect.OPENAI_COMPLETIONS, Dialect.GEMINI
CLIENTS = (CHAT, RESPONSES, MESSAGES, COMPLETIONS, GEMINI)
USER = {"role": "user", "content": "Draw a dot, then a line."}
ASKED = {
    CHAT: {"messages": [USER]},
    RESPONSES: {"input": [USER]},
    MESSAGES: {"messages": [USER], "max_tokens": 9},
    COMPLETIONS: {"prompt": "Draw."},
    GEMINI: {"contents": [{"role": "user", "parts": [{"text": "Draw."}]}]},
}
DOT = {"inlineData": {"mimeType": "image/png", "data": "RE9U"}}
LINE = {"inlineData": {"mimeType": "image/jpeg", "data": "TElORQ=="}}
PARTS = [{"text": "A dot:"}, DOT, {"text": " and a line:"}, LINE]
SHOWN = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,RE9U"}},
    {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,TElORQ=="}},
]
EVENT = TypeAdapter(ResponseStreamEvent)
STEPS = [
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.completed",
    "response.output_item.done",
]


def target(name, dialect):
    provider = Provider(name, dialect, f"https://{name}.test")
    profile = Profile(provider=name, model="large", thinking="none")
    return Target(provider, "large", profile, BreakerSettings(), RetrySettings(), TimeoutSettings())


LYRA = target("lyra", GEMINI)


def job(client, *, stream=False, **fields):
    body = {"model": "m", **ASKED[client], **fields}
    return ChatJob(codec(client), body, stream=stream, usage=False, bound=64)


def context():
    return Context(id="answer_1", created=7, model="large")


def answered(*parts):
    content = {"role": "model", "parts": list(parts)}
    return orjson.dumps({"candidates": [{"content": content, "finishReason": "STOP"}], "responseId": "r"})


def whole(client, *parts):
    told = context()
    return orjson.loads(job(client).answer(answered(*(parts or PARTS)), LYRA, told).body), told.report.header()


def streamed(client, *parts):
    """The client's events of a stream of an event for each part, and what was lost."""
    told = context()
    pipe = job(client, stream=True).pipe(LYRA, told)
    pieces = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in parts or PARTS]
    pieces.append({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]})
    data = b"".join(pipe.feed(Event(orjson.dumps(piece)))[1] for piece in pieces) + pipe.close()[1]
    lines = [line.removeprefix(b"data: ") for line in data.splitlines() if line.startswith(b"data: {")]
    return [orjson.loads(line) for line in lines], told.report.header()


def test_a_chat_client_finds_them_beside_the_text():
    answer, lost = whole(CHAT)
    message = answer["choices"][0]["message"]
    assert (message["content"], message["images"], lost) == ("A dot: and a line:", SHOWN, "")
    assert "images" not in whole(CHAT, {"text": "None."})[0]["choices"][0]["message"]


def test_a_chat_client_gets_each_in_a_delta_of_its_own_which_the_sdk_puts_together():
    chunks, lost = streamed(CHAT)
    shown = [chunk["choices"][0]["delta"]["images"] for chunk in chunks if "images" in chunk["choices"][0]["delta"]]
    assert shown == [[{"index": at, **picture}] for at, picture in enumerate(SHOWN)]
    assert lost == ""
    state = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    message = state.get_final_completion().choices[0].message.model_dump()
    assert [{name: one[name] for name in ("type", "image_url")} for one in message["images"]] == SHOWN


def test_a_responses_client_gets_what_openais_own_tool_gives():
    answer, lost = whole(RESPONSES)
    Response.model_validate(answer)
    assert lost == ""
    assert [item["type"] for item in answer["output"]] == ["message", "image_generation_call"] * 2
    dot, line = answer["output"][1::2]
    assert (dot["status"], dot["result"], dot["output_format"]) == ("completed", "RE9U", "png")
    assert (line["status"], line["result"], line["output_format"]) == ("completed", "TElORQ==", "jpeg")


def test_a_responses_stream_tells_each_in_the_apis_steps_and_ends_as_its_whole_twin():
    events, lost = streamed(RESPONSES)
    for event in events:
        EVENT.validate_python(event)
    assert [event["type"] for event in events if event.get("output_index") == 1] == STEPS
    added = next(event["item"] for event in events if event["type"] == STEPS[0] and event["output_index"] == 1)
    assert added["status"] == "in_progress" and "result" not in added
    assert (events[-1]["response"]["output"], lost) == (whole(RESPONSES)[0]["output"], "")


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("client", [MESSAGES, COMPLETIONS], ids=str)
def test_who_has_no_place_for_them_is_told_so(client, ask):
    assert ask(client)[1] == "dropped=answer.inlineData"


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("client", [CHAT, RESPONSES], ids=str)
def test_what_is_no_picture_stays_reported(client, ask):
    sound = {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}
    answer, lost = ask(client, {"text": "Listen."}, sound)
    assert (b"AAAA" in orjson.dumps(answer), lost) == (False, "dropped=answer.inlineData")


@pytest.mark.parametrize("client", [CHAT, RESPONSES], ids=str)
def test_a_signature_that_cannot_travel_with_its_picture_is_reported(client):
    _, lost = whole(client, {**DOT, "thoughtSignature": "c2ln"})
    assert lost == "dropped=answer.inlineData.thoughtSignature"


@pytest.mark.parametrize("client", [CHAT, RESPONSES], ids=str)
def test_a_picture_is_an_answers_first_content(client):
    pipe = job(client, stream=True).pipe(LYRA, context())
    deltas, _ = pipe.feed(Event(answered(DOT)))
    assert any(pipe.shows(delta) for delta in deltas if type(delta).__name__ == "Kept")
    other = job(MESSAGES, stream=True).pipe(LYRA, context())
    assert not any(other.shows(delta) for delta in deltas if type(delta).__name__ == "Kept")


def again(client):
    """The next request of a client that keeps what it was told."""
    if client is CHAT:
        history = [USER, whole(CHAT)[0]["choices"][0]["message"], USER]
        return job(CHAT, messages=history)
    return job(RESPONSES, input=[USER, *whole(RESPONSES)[0]["output"], USER])


@pytest.mark.parametrize("client", [CHAT, RESPONSES], ids=str)
def test_they_go_back_to_gemini(client):
    prepared = again(client).prepare(LYRA)
    parts = orjson.loads(prepared.body)["contents"][1]["parts"]
    assert [part["inlineData"] for part in parts if "inlineData" in part] == [DOT["inlineData"], LINE["inlineData"]]
    assert prepared.report.header() == ""


REPLAYED = {
    (CHAT, MESSAGES): "dropped=messages[1].images[0],messages[1].images[1]",
    (CHAT, RESPONSES): "dropped=messages[1].images[0],messages[1].images[1]",
    (RESPONSES, MESSAGES): "dropped=input[2],input[4]",
    (RESPONSES, CHAT): "dropped=input[2],input[4]",
    (RESPONSES, RESPONSES): "dropped=input[2],input[4]",
}


@pytest.mark.parametrize("pair", REPLAYED, ids=lambda pair: f"{pair[0]} to {pair[1]}")
def test_no_other_model_is_shown_them_which_is_told_and_bars_no_failover(pair):
    client, dialect = pair
    prepared = again(client).prepare(target("other", dialect))
    assert "RE9U" not in prepared.body.decode()
    assert prepared.report.header() == REPLAYED[pair]


def test_a_picture_of_openais_own_stays_where_it_is():
    own = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "RE9U"}
    prepared = job(RESPONSES, input=[USER, own, USER]).prepare(target("open", RESPONSES))
    assert orjson.loads(prepared.body)["input"] == [USER, own, USER]
