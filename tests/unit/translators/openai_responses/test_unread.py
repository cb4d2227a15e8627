"""What nobody reads inside a Responses request is told by its path."""

from copy import deepcopy

import pytest

from translators.openai_responses.request import parse_request
from translators.openai_responses.unread import fields_unread

BODY = {
    "model": "m",
    "input": [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://a.test/b.png", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "AAAA"},
            ],
        },
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "hm", "annotations": [], "logprobs": [{"token": "hm"}]}],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "so"}]},
        {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "done"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
    ],
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
    "stream_options": {"include_obfuscation": False},
    "tools": [{"type": "function", "name": "f"}],
    "tool_choice": {"type": "function", "name": "f"},
}
CITED = [{"type": "url_citation", "url": "https://a.test", "title": "t", "start_index": 0, "end_index": 1}]


def test_what_is_read_or_says_nothing_is_not_told():
    assert fields_unread(BODY) == {}
    assert fields_unread({"model": "m", "input": "hello"}) == {}


@pytest.mark.parametrize(
    ("path", "put"),
    [
        ("input[0].tomorrow", lambda b: b["input"][0].update(tomorrow=0)),
        ("input[0].content[0].tomorrow", lambda b: b["input"][0]["content"][0].update(tomorrow=1)),
        ("input[0].content[1].tomorrow", lambda b: b["input"][0]["content"][1].update(tomorrow=1)),
        ("input[0].content[2].detail", lambda b: b["input"][0]["content"][2].update(detail="high")),
        ("input[1].content[0].annotations", lambda b: b["input"][1]["content"][0].update(annotations=CITED)),
        ("input[2].tomorrow", lambda b: b["input"][2].update(tomorrow=1)),
        ("input[3].namespace", lambda b: b["input"][3].update(namespace="crm")),
        ("input[4].output[0].tomorrow", lambda b: b["input"][4]["output"][0].update(tomorrow=1)),
        ("text.format.tomorrow", lambda b: b["text"]["format"].update(tomorrow=1)),
        ("tool_choice.tomorrow", lambda b: b["tool_choice"].update(tomorrow=1)),
        ("stream_options.tomorrow", lambda b: b["stream_options"].update(tomorrow=1)),
    ],
)
def test_a_field_without_a_reader_is_told_by_its_path(path, put):
    body = deepcopy(BODY)
    put(body)
    assert list(fields_unread(body)) == [path]
    assert path in parse_request(body).extra
