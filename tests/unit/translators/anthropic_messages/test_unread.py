"""What nobody reads inside an Anthropic client's request is told by its path."""

from copy import deepcopy

import pytest

from translators.anthropic_messages.request_in import parse_request
from translators.anthropic_messages.unread import fields_unread

PDF = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
BODY = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "document", "source": PDF}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "so", "signature": "s"},
                {"type": "text", "text": "hm", "citations": None},
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}, "whatever": 1},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "done"}]}],
        },
        {"role": "assistant", "content": "well"},
    ],
    "metadata": {"user_id": "u"},
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
}


def test_what_is_read_or_says_nothing_is_not_told():
    assert fields_unread(BODY) == {}


@pytest.mark.parametrize(
    ("path", "put"),
    [
        ("system.0.tomorrow", lambda b: b["system"][0].update(tomorrow=1)),
        ("messages.0.tomorrow", lambda b: b["messages"][0].update(tomorrow=0)),
        ("messages.0.content.1.tomorrow", lambda b: b["messages"][0]["content"][1].update(tomorrow=1)),
        ("messages.1.content.1.citations", lambda b: b["messages"][1]["content"][1].update(citations=[{"url": "u"}])),
        ("messages.1.content.3.caller", lambda b: b["messages"][1]["content"][3].update(caller={"type": "direct"})),
        ("messages.2.content.0.content.0.x", lambda b: b["messages"][2]["content"][0]["content"][0].update(x=1)),
        ("metadata.team", lambda b: b["metadata"].update(team="a")),
        ("tool_choice.tomorrow", lambda b: b["tool_choice"].update(tomorrow=1)),
        ("output_config.format.tomorrow", lambda b: b["output_config"]["format"].update(tomorrow=1)),
    ],
)
def test_a_field_without_a_reader_is_told_by_its_path(path, put):
    body = deepcopy(BODY)
    put(body)
    assert list(fields_unread(body)) == [path]
    assert path in parse_request(body).extra
