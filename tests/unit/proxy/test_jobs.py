"""One request's version for each target: relayed where the dialect is the client's, translated where it is not."""

import orjson
import pytest

from proxy.config.values import BreakerSettings, Provider, RetrySettings, Target, TimeoutSettings
from proxy.jobs import ChatJob, parse_fault
from proxy.plain_jobs import EmbeddingsJob
from translators import embeddings
from translators.catalog import codec
from translators.codec import Context
from translators.faults import Failure, Kind, Malformed, ProtocolFault
from translators.ir import Dialect, Event
from translators.profile import Profile

CHAT, MESSAGES = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES
HELLO = [{"role": "user", "content": "hello"}]
CONTEXT = Context(id="chatcmpl-1", created=7, model="large")
FREE_TEXT = {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}}
NAMED = {"type": "function", "function": {"name": "f"}}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def target(dialect: Dialect = CHAT, name: str = "alpha", **profile) -> Target:
    return Target(
        Provider(name, dialect, f"https://{name}.test"),
        "large",
        Profile(provider=name, model="large", **profile),
        BreakerSettings(),
        RetrySettings(),
        TimeoutSettings(),
    )


def chat(bound: int | None = None, *, stream: bool = False, usage: bool = False, **fields) -> ChatJob:
    payload = {"model": "m", "messages": HELLO, **fields}
    thinks = codec(CHAT).check_envelope(payload).thinks
    return ChatJob(codec(CHAT), payload, stream=stream, usage=usage, bound=bound, thinks=thinks)


def vectors(**fields) -> EmbeddingsJob:
    payload = {"model": "m", "input": "hi", **fields}
    return EmbeddingsJob(payload, embeddings.check(payload))


def chat_reply(content: str = "hi") -> bytes:
    return orjson.dumps({"id": "c", "choices": [{"message": {"content": content}, "finish_reason": "stop"}]})


def claude_reply(*content) -> bytes:
    return orjson.dumps(
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": list(content),
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 2},
        }
    )


# -- requests


def test_the_same_dialect_is_relayed_with_fields_that_nobody_here_knows():
    prepared = chat(tomorrow={"x": 1}).prepare(target())
    assert not prepared.translated
    assert orjson.loads(prepared.body) == {"model": "large", "messages": HELLO, "tomorrow": {"x": 1}}
    assert prepared.path == "/chat/completions"
    assert prepared.report.entries == []


def test_the_neutral_form_is_not_built_for_a_relay_and_once_for_any_number_of_translations(monkeypatch):
    built = []
    client = codec(CHAT)
    parse = client.parse_request
    monkeypatch.setattr(client, "parse_request", lambda *given: built.append(given) or parse(*given))
    job = chat()
    job.prepare(target())
    assert built == []
    job.prepare(target(MESSAGES))
    job.prepare(target(MESSAGES, "other"))
    assert len(built) == 1


def test_another_dialect_gets_a_translation_in_its_own_form():
    prepared = chat(seed=7).prepare(target(MESSAGES))
    assert prepared.translated
    body = orjson.loads(prepared.body)
    assert (body["model"], body["messages"][0]["role"]) == ("large", "user")
    assert "max_tokens" in body and "seed" not in body
    assert prepared.path == "/messages"
    assert [entry.field for entry in prepared.report.entries if entry.verdict == "dropped"] == ["seed"]


def test_the_clients_own_body_is_never_changed():
    fields = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 9}
    job = chat(50, stream=True, **fields)
    before = orjson.dumps(job._payload)
    job.prepare(target(max_output=5))
    job.prepare(target(MESSAGES))
    assert orjson.dumps(job._payload) == before


@pytest.mark.parametrize(("dialect", "field"), [(CHAT, "max_completion_tokens"), (MESSAGES, "max_tokens")])
def test_the_models_output_bound_is_filled_in_where_the_client_gave_none(dialect, field):
    assert orjson.loads(chat(77).prepare(target(dialect)).body)[field] == 77
    own = chat(77, max_completion_tokens=9).prepare(target(dialect))
    assert orjson.loads(own.body)[field] == 9


LONG = {"max_completion_tokens": 30_000}


@pytest.mark.parametrize(
    ("dialect", "wanted", "fields", "streams"),
    [
        (CHAT, None, LONG, False),
        (CHAT, True, {}, True),
        (MESSAGES, None, {}, False),
        (MESSAGES, None, LONG, True),
        (MESSAGES, False, LONG, False),
        (MESSAGES, True, {}, True),
    ],
)
def test_a_target_is_asked_for_a_stream_where_its_profile_or_its_dialect_wants_one(dialect, wanted, fields, streams):
    prepared = chat(**fields).prepare(target(dialect, upstream_stream=wanted))
    assert prepared.stream is streams
    body = orjson.loads(prepared.body)
    assert body == prepared.fields
    assert bool(body.get("stream")) is streams
    assert body.get("stream_options") == ({"include_usage": True} if streams and dialect is CHAT else None)


def test_a_client_that_wants_a_stream_gets_one_whatever_the_profile_says():
    assert chat(stream=True).prepare(target(upstream_stream=False)).stream


def test_a_relay_of_a_dialect_that_needs_streams_is_still_what_the_client_asked_for():
    """A fold keeps less than a relay does, so only the configuration may choose it."""
    fields = {"model": "m", "max_tokens": 30_000, "messages": HELLO}
    job = ChatJob(codec(MESSAGES), fields, stream=False, usage=True, bound=None)
    assert not job.prepare(target(MESSAGES)).stream
    assert job.prepare(target(MESSAGES, upstream_stream=True)).stream


def test_a_body_that_cannot_be_translated_can_still_be_relayed():
    job = chat(messages=[{"role": "user", "content": 5}])
    assert job.prepare(target()).body
    with pytest.raises(Malformed) as caught:
        job.prepare(target(MESSAGES))
    assert caught.value.param == "messages[0].content"


@pytest.mark.parametrize(
    ("profile", "effort", "expected"),
    [
        ({"reasons": True}, None, True),
        ({"reasons": False}, None, False),
        ({"reasons": False}, "low", True),
        ({"reasons": True}, "none", False),
        ({"reasons": True, "thinking": "none"}, "high", False),
    ],
)
def test_the_first_token_may_be_late_where_the_model_thinks_first(profile, effort, expected):
    job = chat(**({"reasoning_effort": effort} if effort else {}))
    assert job.reasons(target(**profile)) is expected


@pytest.mark.parametrize(("choice", "named"), [(NAMED, True), ("required", False), (None, False)])
def test_a_forced_tool_is_known_once_the_request_was_translated(choice, named):
    job = chat(tools=[FUNCTION], tool_choice=choice)
    job.prepare(target(MESSAGES))
    assert job.named_tool() is named


# -- answers


def test_a_relayed_answer_passes_untouched_and_its_usage_is_read():
    choice = b'{"message":{"content":"h\xc3\xa9"},"finish_reason":"stop"}'
    body = b'{"id":"c","new":1,"choices":[%b],"usage":{"prompt_tokens":3}}' % choice
    answered = chat().answer(body, target(), CONTEXT)
    assert answered.body is body
    assert answered.usage.input == 3


@pytest.mark.parametrize(
    "body", [chat_reply("x").replace(b'"x"', b'"\xff"'), chat_reply("x").replace(b'"x"', b'"\xc3"')]
)
def test_a_relayed_answer_that_is_no_utf8_is_refused(body):
    """Its content is not decoded on the way, and the client could not read it."""
    with pytest.raises(ProtocolFault, match="not valid UTF-8"):
        chat().answer(body, target(), CONTEXT)


def test_a_list_of_vectors_that_is_no_utf8_is_refused():
    body = b'{"data":[{"embedding":[1.0]}],"model":"\xff"}'
    with pytest.raises(ProtocolFault, match="not valid UTF-8"):
        vectors().answer(body, target(), CONTEXT)


def test_a_blob_in_a_relayed_answer_is_marked_with_where_it_came_from():
    details = [{"type": "reasoning.encrypted", "data": "blob"}]
    message = {"content": "x", "reasoning_details": details}
    body = orjson.dumps({"choices": [{"message": message, "finish_reason": "stop"}]})
    marked = orjson.loads(chat().answer(body, target(), CONTEXT).body)
    assert "alpha" in marked["choices"][0]["message"]["reasoning_details"][0]["origin"]


def test_a_translated_answer_is_written_in_the_clients_dialect():
    job = chat()
    job.prepare(target(MESSAGES))
    answered = job.answer(claude_reply({"type": "text", "text": "hi"}), target(MESSAGES), CONTEXT)
    body = orjson.loads(answered.body)
    assert (body["id"], body["model"], body["choices"][0]["message"]["content"]) == ("chatcmpl-1", "large", "hi")
    assert (answered.usage.input, answered.usage.output) == (3, 2)


def test_the_reader_knows_which_tools_take_free_text():
    """Their calls were wrapped as functions on the way, and come back as what they are."""
    job = chat(tools=[FREE_TEXT])
    job.prepare(target(MESSAGES))
    use = {"type": "tool_use", "id": "t", "name": "shell", "input": {"input": "ls"}}
    (call,) = orjson.loads(job.answer(claude_reply(use), target(MESSAGES), CONTEXT).body)["choices"][0]["message"][
        "tool_calls"
    ]
    assert (call["type"], call["custom"]) == ("custom", {"name": "shell", "input": "ls"})
    pipe = job.pipe(target(MESSAGES), CONTEXT)
    events = [
        {"type": "message_start", "message": {"id": "m", "model": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": {**use, "input": {}}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '{"input": "ls"}'},
        },
        {"type": "content_block_stop", "index": 0},
    ]
    written = b"".join(pipe.feed(Event(orjson.dumps(event)))[1] for event in events)
    assert b'"custom"' in written and b'"ls"' in written


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
def test_an_error_dressed_as_an_answer_is_a_failure(dialect):
    body = b'{"type":"error","error":{"type":"overloaded_error","code":"overloaded_error","message":"x"}}'
    job = chat()
    job.prepare(target(dialect))
    with pytest.raises(Failure) as caught:
        job.answer(body, target(dialect), CONTEXT)
    assert caught.value.fault.kind is Kind.OVERLOADED


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"choices":', b"[]", b"null"])
def test_what_is_no_answer_is_a_protocol_fault(dialect, body):
    job = chat()
    job.prepare(target(dialect))
    with pytest.raises(ProtocolFault):
        job.answer(body, target(dialect), CONTEXT)


def test_a_relayed_stream_passes_its_events_and_a_translated_one_does_not():
    word = Event(b'{"choices":[{"index":0,"delta":{"content":"word"}}],"new":1}')
    deltas, data = chat(stream=True).pipe(target(), CONTEXT).feed(word)
    assert data == b"data: " + word.data + b"\n\n" and deltas
    job = chat(stream=True)
    job.prepare(target(MESSAGES))
    _, data = job.pipe(target(MESSAGES), CONTEXT).feed(
        Event(b'{"type":"message_start","message":{"id":"m","model":"m"}}')
    )
    assert data == b"" or data.startswith(b'data: {"id":"chatcmpl-1"')


def told(*values) -> list[Event]:
    return [Event(value if isinstance(value, bytes) else orjson.dumps(value)) for value in values]


def whole_of(job: ChatJob, made_for: Target, events: list[Event]) -> dict:
    job.prepare(made_for)
    pipe = job.folding(made_for, CONTEXT, 1 << 20)
    assert all(pipe.feed(event)[1] == b"" for event in events)
    return orjson.loads(pipe.close()[1])


def test_a_folded_answer_is_written_in_the_clients_dialect():
    use = {"type": "tool_use", "id": "t", "name": "shell", "input": {}}
    part = {"type": "input_json_delta", "partial_json": '{"input": "ls"}'}
    events = told(
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": use},
        {"type": "content_block_delta", "index": 0, "delta": part},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    )
    body = whole_of(chat(tools=[FREE_TEXT]), target(MESSAGES), events)
    (call,) = body["choices"][0]["message"]["tool_calls"]
    assert (call["type"], call["custom"]) == ("custom", {"name": "shell", "input": "ls"})
    assert (body["id"], body["model"], body["usage"]["total_tokens"]) == ("chatcmpl-1", "large", 5)


def test_several_choices_with_their_probabilities_come_through_a_fold():
    def one(index, text, finish=None):
        logprobs = {"content": [{"token": text, "logprob": -0.5}]} if text else None
        return {"index": index, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": finish}

    steps = [one(0, "a"), one(1, "x"), one(1, "y"), one(0, "b"), one(0, "", "stop"), one(1, "", "length")]
    events = told(*({"id": "c", "choices": [step]} for step in steps), b"[DONE]")
    body = whole_of(chat(n=2, logprobs=True), target(upstream_stream=True), events)
    first, second = body["choices"]
    assert (first["message"]["content"], first["finish_reason"]) == ("ab", "stop")
    assert (second["message"]["content"], second["finish_reason"]) == ("xy", "length")
    assert [[entry["token"] for entry in one["logprobs"]["content"]] for one in (first, second)] == [
        ["a", "b"],
        ["x", "y"],
    ]


def test_an_error_answer_is_read_in_the_targets_dialect():
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}'
    assert parse_fault(target(MESSAGES), 529, body).kind is Kind.OVERLOADED
    assert parse_fault(target(), 401, b"{}").kind is Kind.AUTH


# -- embeddings


def test_a_request_for_vectors_goes_to_its_own_path_with_the_targets_model():
    prepared = vectors(dimensions=256, tomorrow=1).prepare(target())
    assert prepared.path == "/embeddings" and not prepared.translated
    assert orjson.loads(prepared.body) == {"model": "large", "input": "hi", "dimensions": 256, "tomorrow": 1}


def test_vectors_come_in_the_encoding_that_the_client_asked_for():
    body = b'{"data":[{"embedding":[1.0]}],"model":"x","usage":{"prompt_tokens":4}}'
    answered = vectors().answer(body, target(), CONTEXT)
    assert answered.body is body and answered.usage.input == 4
    coded = vectors(encoding_format="base64").answer(body, target(), CONTEXT)
    assert orjson.loads(coded.body)["data"][0]["embedding"] == "AACAPw=="


def test_vectors_are_neither_streamed_nor_reasoned_about():
    job = vectors()
    assert not job.stream and not job.include_usage() and not job.named_tool()
    assert not job.reasons(target(reasons=True))
    assert not job.prepare(target(upstream_stream=True)).stream
    with pytest.raises(NotImplementedError):
        job.pipe(target(), CONTEXT)
    with pytest.raises(NotImplementedError):
        job.folding(target(), CONTEXT, 1)


def test_a_refusal_that_teaches_nothing_new_is_not_repaired():
    """A server that is asked in its own dialect already has no other way."""
    job = chat(tools=[{"type": "function", "function": {"name": "f"}}])
    made_for = target(MESSAGES)
    assert job.repaired(made_for, job.prepare(made_for), "responses") is None


def test_a_completion_is_relayed_where_the_model_takes_it_and_translated_elsewhere():
    payload = {"model": "m", "prompt": "Once", "echo": True}
    job = ChatJob(codec(Dialect.OPENAI_COMPLETIONS), payload, stream=False, usage=False, bound=None)
    prepared = job.prepare(target(completions=True))
    assert (prepared.path, prepared.translated) == ("/completions", False)
    assert prepared.target.provider.dialect is Dialect.OPENAI_COMPLETIONS
    with pytest.raises(Malformed):
        job.prepare(target())


def test_what_a_translation_lost_is_told_in_the_clients_own_words():
    client = codec(Dialect.OPENAI_RESPONSES)
    items = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho", "phase": "final_answer"}]
    body = {"model": "m", "input": items, "max_output_tokens": 99, "tomorrow": 1}
    prepared = ChatJob(client, body, stream=False, usage=True, bound=None).prepare(target(max_output=50))
    lost = {entry.field: entry.verdict.value for entry in prepared.report.entries}
    assert lost == {"input[1].phase": "dropped", "max_output_tokens": "clamped", "tomorrow": "dropped"}
