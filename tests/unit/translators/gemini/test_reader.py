"""Gemini's events as deltas."""

import orjson
import pytest

from translators import gemini
from translators.faults import Kind, ProtocolFault, Truncated
from translators.fold import fold
from translators.ir import (
    Annotated,
    Continued,
    Ended,
    Event,
    Failed,
    Finish,
    Foreign,
    Kept,
    Opaque,
    ReasoningDelta,
    ReasoningEnd,
    RefusalDelta,
    Started,
    TextDelta,
    TextSigned,
    ToolArguments,
    ToolStart,
    Usage,
    Used,
)

CALL = {"functionCall": {"name": "look", "args": {"a": 1}}}


def bare(deltas):
    return [delta for delta in deltas if not isinstance(delta, Started | Used)]


def test_text_and_its_end(answer, deltas):
    said = deltas(answer({"text": "He"}, reason=None), answer({"text": "llo"}, usage={"promptTokenCount": 2}))
    assert said == [
        Started("Ab-1", "gemini-test"),
        TextDelta("He"),
        Used(Usage(2, 0)),
        TextDelta("llo"),
        Ended(Finish.STOP),
    ]


def test_thought_text_is_reasoning_16(answer, deltas):
    said = bare(deltas(answer({"text": "Hm.", "thought": True}, {"text": "Yes."})))
    assert said == [ReasoningDelta("Hm."), ReasoningEnd(None), TextDelta("Yes."), Ended(Finish.STOP)]


def test_a_signature_rides_on_the_part_it_came_with(answer, deltas, own):
    thought = {"text": "Hm.", "thought": True, "thoughtSignature": own.data}
    signed = {"text": "", "thoughtSignature": own.data}
    said = bare(
        deltas(
            answer(thought, {"text": "A"}, signed, {**CALL, "thoughtSignature": own.data}, {"thoughtSignature": "x"})
        )
    )
    assert said == [
        ReasoningDelta("Hm."),
        ReasoningEnd(own),
        TextDelta("A"),
        TextSigned(own),
        ToolStart(0, "gcall_Ab1_0_0", "look", opaque=own),
        ToolArguments(0, '{"a":1}'),
        TextSigned(Opaque("signature", "x", own.origin)),
        Ended(Finish.TOOL_CALLS),
    ]


def test_a_stop_after_a_call_in_any_event_is_a_tool_call_24(answer, deltas):
    said = deltas(answer(CALL, reason=None), answer({"text": ""}))
    assert said[-1] == Ended(Finish.TOOL_CALLS)


def test_calls_of_one_name_without_ids_get_ids_of_their_own(answer, deltas):
    starts = [one for one in deltas(answer(CALL, CALL)) if isinstance(one, ToolStart)]
    assert [(one.index, one.id) for one in starts] == [(0, "gcall_Ab1_0_0"), (1, "gcall_Ab1_0_1")]


def test_an_id_that_gemini_gave_stays(answer, deltas):
    [start] = [
        one for one in deltas(answer({"functionCall": {"id": "gjl2yj5t", "name": "f"}})) if isinstance(one, ToolStart)
    ]
    assert start.id == "gjl2yj5t"


def test_without_an_answers_id_the_call_itself_makes_its_id(deltas):
    def started(args):
        said = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": args}}]}}]}
        return next(one.id for one in deltas(orjson.dumps(said)) if isinstance(one, ToolStart))

    assert started({"a": 1}) == started({"a": 1}) != started({"a": 2})


@pytest.mark.parametrize("args", [{}, {"args": None}, {"args": {}}])
def test_a_call_without_arguments_has_an_empty_object_9(answer, deltas, args):
    assert ToolArguments(0, "{}") in deltas(answer({"functionCall": {"name": "f", **args}}))


@pytest.mark.parametrize(
    ("args", "arguments"),
    [("{}", "{}"), ('{"a": 1}', '{"a":1}'), ("", "{}"), ("[1]", '"[1]"'), ("so", '"so"')],
)
def test_an_object_that_came_as_text_is_not_encoded_twice(deltas, args, arguments):
    call = {"functionCall": {"name": "f", "args": args}}
    data = orjson.dumps({"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]})
    assert ToolArguments(0, arguments) in deltas(data)


def test_a_free_text_tools_call_is_unwrapped(answer, deltas, target):
    profile = target(custom_tools=frozenset({"write"}))
    said = deltas(answer({"functionCall": {"name": "write", "args": {"input": "x\ny"}}}), profile=profile)
    assert [one for one in said if isinstance(one, ToolArguments)] == [ToolArguments(0, "x\ny")]
    assert next(one for one in said if isinstance(one, ToolStart)).custom


def test_arguments_in_pieces_come_whole_14(answer, deltas):
    def piece(value, more):
        return {
            "functionCall": {
                "partialArgs": [{"jsonPath": "$.id", "stringValue": value, "willContinue": more}],
                "willContinue": True,
            }
        }

    begun = {"functionCall": {"name": "read", "willContinue": True}}
    parts = [
        begun,
        piece("A", more=True),
        piece("B", more=False),
        {"functionCall": {}},
        begun,
        {"functionCall": {"willContinue": True}},
    ]
    said = deltas(*(answer(part, reason=None) for part in parts), answer({"text": ""}))
    calls = [one for one in said if isinstance(one, ToolStart | ToolArguments)]
    assert [(one.index, getattr(one, "text", None)) for one in calls] == [
        (0, None),
        (0, '{"id":"AB"}'),
        (1, None),
        (1, "{}"),
    ]


def test_a_call_that_the_bound_cut_keeps_what_it_has_15(answer, deltas):
    begun = {"functionCall": {"name": "read", "willContinue": True}}
    half = {
        "functionCall": {
            "partialArgs": [{"jsonPath": "$.id", "stringValue": "A", "willContinue": True}],
            "willContinue": True,
        }
    }
    said = deltas(answer(begun, reason=None), answer(half, reason="MAX_TOKENS"))
    assert said[-2:] == [ToolArguments(0, '{"id":"A'), Ended(Finish.LENGTH)]


@pytest.mark.parametrize("content", [None, {}, {"role": "model"}, {"parts": []}])
def test_a_candidate_may_have_nothing_to_say_22(deltas, content):
    said = deltas(orjson.dumps({"candidates": [{"content": content, "finishReason": "MAX_TOKENS"}]}))
    assert bare(said) == [Ended(Finish.LENGTH)]


@pytest.mark.parametrize(
    "reason",
    [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
        "ESCALATION",
    ],
)
def test_a_filtered_answer_says_so(answer, deltas, reason):
    assert deltas(answer(reason=reason))[-2:] == [
        RefusalDelta("The model declined to answer."),
        Ended(Finish.CONTENT_FILTER),
    ]
    assert RefusalDelta("Why.") in deltas(answer(reason=reason, finishMessage="Why."))


@pytest.mark.parametrize(
    ("reason", "kind", "repair"),
    [
        ("MALFORMED_FUNCTION_CALL", Kind.PROTOCOL, ""),
        ("UNEXPECTED_TOOL_CALL", Kind.PROTOCOL, ""),
        ("TOO_MANY_TOOL_CALLS", Kind.PROTOCOL, ""),
        ("MALFORMED_RESPONSE", Kind.PROTOCOL, ""),
        ("OTHER", Kind.PROTOCOL, ""),
        ("NO_IMAGE", Kind.PROTOCOL, ""),
        ("MISSING_THOUGHT_SIGNATURE", Kind.REFUSED, "reasoning"),
        ("PUP_LIMITED_DISABLED", Kind.AUTH, ""),
    ],
)
def test_an_answer_that_came_to_nothing_is_no_empty_stop(answer, deltas, reason, kind, repair):
    last = deltas(answer(reason=reason))[-1]
    assert isinstance(last, Failed)
    assert (last.fault.kind, last.fault.repair) == (kind, repair)


def test_a_reason_of_tomorrow_is_a_stop_and_told_as_a_guess(answer, deltas):
    *_, lost, ended = deltas(answer({"text": "a"}, reason="NOVEL"))
    assert ended == Ended(Finish.STOP)
    assert (lost.field, lost.guessed) == ("answer.finish_reason", True)
    assert "NOVEL" in lost.why


def test_a_blocked_prompt_is_a_fault_of_content(deltas):
    said = {
        "promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."},
        "usageMetadata": {"promptTokenCount": 3},
    }
    used, failed = deltas(orjson.dumps(said))
    assert used == Used(Usage(3, 0))
    assert (failed.fault.kind, failed.fault.message) == (Kind.CONTENT, "No.")


def test_a_block_in_mid_answer_ends_it_as_filtered(answer, deltas):
    said = deltas(answer({"text": "a"}, reason=None), orjson.dumps({"promptFeedback": {"blockReason": "OTHER"}}))
    assert said[-1] == Ended(Finish.CONTENT_FILTER)


def paused(answer, target):
    reader = gemini.reader(target())
    event = answer({"text": "a"}, reason="CONTINUATION", continuationToken="t", usage={"promptTokenCount": 5})
    return reader, reader.feed(Event(event))


def test_an_answer_to_be_continued_goes_on_in_the_next(answer, target):
    reader, deltas = paused(answer, target)
    assert deltas[-1] == Continued({"continuationToken": "t"})
    more = reader.feed(Event(answer({"text": "b"}, usage={"promptTokenCount": 7, "candidatesTokenCount": 2})))
    assert [one for one in more if not isinstance(one, Used)] == [TextDelta("b"), Ended(Finish.STOP)]
    assert not reader.close()


def test_an_answer_that_nobody_asks_on_for_was_cut(answer, target):
    reader, _ = paused(answer, target)
    assert list(reader.close()) == [Ended(Finish.LENGTH)]


def test_an_answer_whose_first_candidate_never_came_is_a_fault(answer, target):
    reader = gemini.reader(target())
    body = orjson.loads(answer({"text": "a"}))
    body["candidates"][0]["index"] = 1
    reader.feed(Event(orjson.dumps(body)))
    with pytest.raises(ProtocolFault):
        reader.close()


def test_a_continuation_without_a_token_is_a_fault(answer, deltas):
    with pytest.raises(ProtocolFault):
        deltas(answer(reason="CONTINUATION"))


def test_what_google_ran_itself_is_kept_whole_with_its_maker(answer, deltas, own):
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}, "thoughtSignature": "s"}
    [kept] = [one for one in deltas(answer(code, {"codeExecutionResult": {"output": "2"}})) if isinstance(one, Kept)][
        :1
    ]
    assert kept.part == Foreign("gemini", "executableCode", {**code, "partMetadata": {"sidestep_origin": own.origin}})


def test_citations_come_before_the_end_with_offsets_in_characters(answer, deltas):
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.test", "title": "A"}}],
        "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 6}, "groundingChunkIndices": [0]}],
    }
    said = deltas(
        answer({"text": "é "}, reason=None), answer({"text": "abc"}, {"text": "!"}, groundingMetadata=grounding)
    )
    note, end = said[-2:]
    assert isinstance(note, Annotated) and end == Ended(Finish.STOP)
    place = note.annotation["url_citation"]
    assert "é abc!"[place["start_index"] : place["end_index"]] == "abc"


def test_probabilities_stand_beside_the_text(answer, deltas):
    probable = {"chosenCandidates": [{"token": "a", "logProbability": -1}]}
    said = deltas(answer({"text": "a"}, logprobsResult=probable))
    [text] = [one for one in said if isinstance(one, TextDelta)]
    assert text.logprobs["content"][0]["token"] == "a"
    said = deltas(answer(logprobsResult=probable))
    assert fold(said).choices[0].logprobs["content"][0]["logprob"] == -1


def test_several_candidates_are_several_choices(deltas):
    def event(index, text, **fields):
        return {"index": index, "content": {"parts": [{"text": text}]}, **fields}

    first = {"candidates": [event(0, "a"), event(1, "b")]}
    last = {"candidates": [event(1, "c", finishReason="STOP"), event(0, "", finishReason="MAX_TOKENS")]}
    one, other = fold(deltas(orjson.dumps(first), orjson.dumps(last))).choices
    assert (one.finish, other.finish) == (Finish.LENGTH, Finish.STOP)
    assert other.items[0].parts[0].text == "bc"


def test_several_candidates_that_pause_end_as_cut_since_one_call_can_go_on_with_one(target):
    def paused(index):
        part = {"parts": [{"text": "a"}]}
        return {"index": index, "content": part, "finishReason": "CONTINUATION", "continuationToken": f"t{index}"}

    whole = orjson.dumps({"candidates": [paused(0), paused(1)]})
    reply = gemini.parse_reply(whole, target())
    assert [(choice.finish, reply.continued) for choice in reply.choices] == [(Finish.LENGTH, None)] * 2
    reader = gemini.reader(target(n_max=2))
    begun = [{"index": index, "content": {"parts": [{"text": "b"}]}} for index in (0, 1)]
    events = [{"candidates": begun}, {"candidates": [paused(0)]}, {"candidates": [paused(1)]}]
    deltas = [delta for event in events for delta in reader.feed(Event(orjson.dumps(event)))]
    assert [choice.finish for choice in fold(deltas).choices] == [Finish.LENGTH] * 2
    assert reader.close() == ()


@pytest.mark.parametrize("index", [-1, 128])
def test_an_impossible_candidate_is_a_fault(deltas, index):
    with pytest.raises(ProtocolFault):
        deltas(orjson.dumps({"candidates": [{"index": index}]}))


def test_what_follows_the_end_is_a_fault_and_nothing_is_nothing(answer, target):
    reader = gemini.reader(target(n_max=2))
    reader.feed(Event(answer({"text": "a"})))
    assert reader.feed(Event(answer({"text": ""}))) == []
    with pytest.raises(ProtocolFault):
        reader.feed(Event(answer({"text": "b"})))


def test_the_reader_knows_the_end_where_there_is_one_candidate_and_usage(answer, target):
    usage = {"promptTokenCount": 1}
    one, two = gemini.reader(target()), gemini.reader(target(n_max=8))
    for reader in (one, two):
        reader.feed(Event(answer({"text": "a"}, usage=usage)))
    assert (one.done, two.done) == (True, False)
    assert one.feed(Event(b"{}")) == ()


def test_a_stream_without_a_finish_reason_was_cut(answer, target):
    reader = gemini.reader(target())
    for event in (answer({"text": "a"}, reason=None), b"", b"[DONE]", b'{"novel":1}'):
        reader.feed(Event(event))
    with pytest.raises(Truncated):
        reader.close()


@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: [error]])
def test_an_error_in_a_stream_is_a_failure(deltas, wrap):
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    [failed] = deltas(orjson.dumps(wrap(error)), b"{}")
    assert failed.fault.kind is Kind.OVERLOADED


def test_counts_that_come_again_after_others_are_the_last_ones(answer, deltas):
    once, more = {"promptTokenCount": 2, "candidatesTokenCount": 1}, {"promptTokenCount": 2, "candidatesTokenCount": 5}
    before = answer({"text": "a"}, usage=once, reason=None)
    between = answer({"text": "b"}, {"text": "c"}, usage=more, reason=None)
    after = answer({"text": "d"}, usage=once, reason=None)
    assert deltas(before, before, between, after)[-2:] == [Used(Usage(2, 1)), TextDelta("d")]


def test_counts_of_an_answer_that_goes_on_are_added_up_though_they_look_like_those_before(answer, target):
    counts = {"promptTokenCount": 2, "candidatesTokenCount": 3}
    reading = gemini.reader(target())
    words = [Event(answer({"text": text}, usage=counts, reason=None)) for text in "abc"]
    pause = Event(answer(reason="CONTINUATION", continuationToken="t"))
    said = [one for event in (*words, pause, words[0]) for one in reading.feed(event)]
    last = [one.usage for one in said if isinstance(one, Used)][-1]
    assert (last.input, last.output) == (2, 6)
