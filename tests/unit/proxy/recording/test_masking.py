"""What a recording must not hold is blanked, in place: lengths, structure and what decides stay."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.recording.masking import FREE, OWN, filler, masked

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**50), 2**50)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["content", "type", "input", "error", "data", "name", "x"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


def blanked(value, **more):
    return orjson.loads(masked(orjson.dumps(value), **{"texts": False, **more}))


def test_what_is_said_is_blanked_and_what_is_decided_by_stays():
    asked = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Tell nobody."},
            {"role": "user", "name": "ann", "content": [{"type": "text", "text": "I am Ann, 42"}]},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "description": "Finds Ann"}}],
        "max_tokens": 42,
        "user": "ann@example.test",
    }
    assert blanked(asked) == {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "nnnn nnnnnn."},
            {"role": "user", "name": "nnn", "content": [{"type": "text", "text": "n nn nnn, 11"}]},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "description": "nnnnn nnn"}}],
        "max_tokens": 42,
        "user": "nnn@nnnnnnn.nnnn",
    }


def test_with_texts_only_blobs_and_files_are_blanked():
    told = {
        "content": "said",
        "signature": "c2ln+/=",
        "thoughtSignature": "abc",
        "encrypted_content": "sidestep.encrypted.b3JpZ2lu.c2Vjcg",
        "source": {"type": "base64", "media_type": "image/png", "data": "aGVs"},
        "image_url": {"url": "data:image/png;base64,aGVs"},
        "link": {"url": "https://a.test/b"},
    }
    assert blanked(told, texts=True) == {
        "content": "said",
        "signature": "n1nn+/=",
        "thoughtSignature": "nnn",
        "encrypted_content": "sidestep.encrypted.b3JpZ2lu.n1nnnn",
        "source": {"type": "base64", "media_type": "image/png", "data": "nnnn"},
        "image_url": {"url": "data:image/png;base64,nnnn"},
        "link": {"url": "https://a.test/b"},
    }


def test_below_a_member_of_anybodys_own_data_only_names_stay():
    told = {"type": "tool_use", "input": {"id": "patient 7", "type": "cold", "n": 37, "on": True}}
    assert blanked(told) == {"type": "tool_use", "input": {"id": "nnnnnnn 1", "type": "nnnn", "n": 11, "on": True}}
    told = {"metadata": {"id": "Bob"}, "parameters": {"type": "string", "enum": ["Bob"], "default": {"name": "Bob"}}}
    assert blanked(told) == {
        "metadata": {"id": "nnn"},
        "parameters": {"type": "string", "enum": ["nnn"], "default": {"name": "nnn"}},
    }
    told = {"functionResponse": {"name": "f", "response": {"status": "ill"}}}
    assert blanked(told) == {"functionResponse": {"name": "f", "response": {"status": "nnn"}}}


@pytest.mark.parametrize("name", sorted(FREE | OWN | {"error", "properties"}))
@pytest.mark.parametrize("of", ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"])
def test_a_schema_stays_one_whatever_its_author_called_it(of, name):
    schema = {"type": "object", "description": "Ann", "default": {"type": "Ann"}, "$ref": "#/$defs/input"}
    kept = {"type": "object", "description": "nnn", "default": {"type": "nnn"}, "$ref": "#/$defs/input"}
    asked = {"tools": [{"parameters": {"type": "object", of: {name: schema, "list": {"items": {of: {name: schema}}}}}}]}
    told = {"tools": [{"parameters": {"type": "object", of: {name: kept, "list": {"items": {of: {name: kept}}}}}}]}
    assert blanked(asked) == blanked(asked, answer=True) == told


def test_what_is_called_as_a_schemas_members_are_is_no_schema_below_own_data():
    asked = {"input": {"properties": {"input": {"type": "Ann"}}}}
    assert blanked(asked) == {"input": {"properties": {"input": {"type": "nnn"}}}}


def test_a_list_of_items_is_no_data_of_anybodys_own():
    told = {"input": [{"type": "message", "role": "user", "content": "hi"}], "response": {"status": "completed"}}
    assert blanked(told) == {
        "input": [{"type": "message", "role": "user", "content": "nn"}],
        "response": {"status": "completed"},
    }


def test_numbers_that_are_content_are_blanked():
    told = {"input": [[1234, 5]], "embedding": [-0.25, 3e-7], "bytes": [72], "index": 3, "usage": {"input_tokens": 9}}
    assert blanked(told) == {
        "input": [[1111, 1]],
        "embedding": [-1.11, 1e-1],
        "bytes": [11],
        "index": 3,
        "usage": {"input_tokens": 9},
    }


def test_tokens_are_blanked_where_they_are_names_too():
    told = {"tokens": ["Bob"], "top_logprobs": [{"Bob": -1.5, " Ann": -2}]}
    assert blanked(told) == {"tokens": ["nnn"], "top_logprobs": [{"nnn": -1.5, " nnn": -2}]}
    told = {"top_logprobs": [{"token": "Bob", "logprob": -1.5, "bytes": [66]}]}
    assert blanked(told) == {"top_logprobs": [{"token": "nnn", "logprob": -1.5, "bytes": [11]}]}
    assert blanked({"top_logprobs": [{"Bob": 1}]}, texts=True) == {"top_logprobs": [{"Bob": 1}]}


def test_what_a_provider_says_of_a_failure_stays_but_for_blobs():
    told = {"error": {"message": "too long: 9 tokens", "code": "context_length_exceeded", "data": "YQ=="}}
    kept = {"error": {**told["error"], "data": "nn=="}}
    assert blanked(told, answer=True) == kept
    assert blanked({"response": told}, answer=True) == {"response": kept}
    assert blanked({"choices": [told]}, answer=True) == {"choices": [kept]}


FAILED_CALL = {"type": "mcp_call", "name": "find", "error": {"type": "mcp", "message": "Ann, 42"}}
NAMED_ERROR = {"properties": {"error": {"type": "string", "description": "Ann, 42"}}}


@pytest.mark.parametrize(
    "told",
    [
        {"input": [FAILED_CALL]},
        {"tools": [{"type": "function", "parameters": NAMED_ERROR}]},
        {"error": {"message": "Ann, 42"}},
    ],
)
def test_what_a_request_calls_error_is_blanked_like_any_text(told):
    kept = orjson.dumps(told).replace(b"Ann, 42", b"nnn, 11")
    assert masked(orjson.dumps(told), texts=False) == kept


def test_what_an_answer_says_of_tools_and_their_failures_is_blanked():
    told = {"output": [FAILED_CALL], "tools": [{"type": "function", "parameters": NAMED_ERROR}]}
    whole = orjson.dumps(told)
    assert masked(whole, texts=False, answer=True) == whole.replace(b"Ann, 42", b"nnn, 11")
    event = b'data: {"type":"response.completed","response":' + whole + b"}\n\n"
    assert masked(event, texts=False, events=True) == event.replace(b"Ann, 42", b"nnn, 11")
    assert masked(b'{"message":"too long"}', texts=False, failure=True) == b'{"message":"too long"}'


def test_the_events_of_a_stream_are_blanked_one_by_one():
    stream = (
        b'event: x\r\ndata: {"type":"text","text":"Hello"}\r\n\r\n: a secret\n\n'
        b'data: {"type":"text",\ndata: "text":"you"}\n\ndata: [DONE]\n\n'
    )
    assert masked(stream, texts=False, events=True) == (
        b'event: x\r\ndata: {"type":"text","text":"nnnnn"}\r\n\r\n: n nnnnnn\n\n'
        b'data: {"type":"text",\ndata: "text":"nnn"}\n\ndata: [DONE]\n\n'
    )


def chunk(place, text):
    call = {"index": place, "function": {"arguments": text}}
    return b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}) + b"\n\n"


def test_arguments_in_pieces_stay_json_each_calls_apart():
    stream = chunk(0, '{"ci') + chunk(1, '{"on": tr') + chunk(0, 'ty": "Paris \\') + chunk(1, "ue}") + chunk(0, 'n7"}')
    told = masked(stream, texts=False, events=True)
    said = {0: "", 1: ""}
    for event in told.split(b"\n\n")[:-1]:
        [call] = orjson.loads(event[6:])["choices"][0]["delta"]["tool_calls"]
        said[call["index"]] += call["function"]["arguments"]
    assert said == {0: '{"city": "nnnnn \\n1"}', 1: '{"on": true}'}


def test_arguments_of_an_event_whose_type_says_so_stay_json_too():
    told = {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": '{"city": "Paris"}'}
    event = b"data: " + orjson.dumps(told) + b"\n\n"
    assert b'"delta":"{\\"city\\": \\"nnnnn\\"}"' in masked(event, texts=False, events=True)
    plain = b'data: {"type":"response.output_text.delta","delta":"{\\"city\\": 1}"}\n\n'
    assert b'"delta":"{\\"nnnn\\": 1}"' in masked(plain, texts=False, events=True)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (rb"a\nb \"c\" \\d \/", rb"n\nn \"n\" \\n \/"),
        (rb"\u00e9\u0041\u0037\u000a\ud83d\ude00", rb"\u006e\u006e\u0031\u000a\ud83d\ude00"),
        ("é漢😀".encode(), "ñ語😀".encode()),
        (b"\xff\xc3(\xc0\x80", b"\xff\xff(\xff\xff"),
        (b"http://a.test", b"http://n.nnnn"),
    ],
)
def test_every_character_is_replaced_by_one_as_long(text, kept):
    assert filler(text) == kept


@settings(max_examples=50)
@given(VALUES)
def test_any_json_stays_json_of_the_same_length(value):
    whole = orjson.dumps(value)
    got = masked(whole, texts=False)
    assert len(got) == len(whole)
    orjson.loads(got)
    assert masked(got, texts=False) == got


@settings(max_examples=50)
@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_whatever_a_body_is_its_length_stays(body, texts, events):
    assert len(masked(body, texts=texts, events=events)) == len(body)


@pytest.mark.parametrize("body", [b'{"content":"cut he', b'{"content":"cut\\', b'"', b"<html>secret</html>", b"{}}]"])
def test_what_is_broken_stays_broken_and_says_nothing(body):
    got = masked(body, texts=False)
    assert len(got) == len(body)
    assert b"cut" not in got
    assert b"secret" not in got
