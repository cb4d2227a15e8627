"""A relayed request keeps from a model what the model cannot take, and says so."""

import copy

import pytest

from translators.anthropic_messages import relay_request, request_path
from translators.anthropic_messages.able import LEFT_OUT
from translators.profile import Profile
from translators.report import Mode

ASK = {"type": "text", "text": "what is this?"}
LINKED = {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
INLINE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}
FILE = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}}
UNHEARD = {"type": "hologram"}


def relayed(*content, profile, **fields):
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": list(content)}], **fields}
    before = copy.deepcopy(body)
    out, report = relay_request(body, profile, None)
    assert body == before
    return out, report


@pytest.mark.parametrize(
    ("block", "lacking"), [(LINKED, "images"), (LINKED, "image_urls"), (INLINE, "images"), (FILE, "files")]
)
def test_a_block_the_model_does_not_take_skips_the_target(block, lacking):
    out, report = relayed(ASK, block, profile=Profile(**{lacking: False}))
    assert out["messages"][0]["content"] == [ASK]
    [entry] = report.blocking(Mode.WARN)
    assert entry.field == "messages.0.content.1"


def test_a_picture_within_a_tool_result_is_found_too():
    result = {"type": "tool_result", "tool_use_id": "t", "content": [INLINE]}
    out, report = relayed(result, UNHEARD, profile=Profile(images=False))
    assert out["messages"][0]["content"] == [
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": LEFT_OUT}]},
        UNHEARD,
    ]
    assert [entry.field for entry in report.entries] == ["messages.0.content.0.content.0"]


def test_what_the_model_takes_passes_as_it_came():
    blocks = [ASK, INLINE, UNHEARD, "odd", {"type": "tool_result", "tool_use_id": "t", "content": [ASK]}]
    out, report = relayed(*blocks, profile=Profile(image_urls=False, files=False))
    assert out["messages"][0]["content"] == blocks
    assert report.entries == []


def test_tools_skip_a_model_without_them():
    out, report = relayed(ASK, profile=Profile(tools=False), tools=[{"name": "f"}], tool_choice={"type": "any"})
    assert not out.keys() & {"tools", "tool_choice"}
    assert [entry.field for entry in report.blocking(Mode.WARN)] == ["tools"]


@pytest.mark.parametrize(
    ("fields", "refused", "left"),
    [
        ({"output_config": {"effort": "low", "format": {"type": "json_schema"}}}, "output_config.format", "low"),
        ({"output_config": {"effort": "low"}, "output_format": {"type": "json_schema"}}, "output_format", "low"),
    ],
)
def test_a_schema_skips_a_model_without_them(fields, refused, left):
    out, report = relayed(ASK, profile=Profile(json_schema=False), **fields)
    assert [entry.field for entry in report.blocking(Mode.WARN)] == [refused]
    assert out["output_config"] == {"effort": left}
    assert "output_format" not in out


def test_a_cloud_may_want_the_model_in_the_path_and_the_version_in_the_body():
    profile = Profile(
        model="claude-x@1",
        rejects=frozenset({"model"}),
        requires={"anthropic_version": "v"},
        paths={"chat": "/models/{model}:rawPredict", "chat_stream": "/models/{model}:streamRawPredict"},
    )
    out, report = relayed(ASK, profile=profile)
    assert "model" not in out
    assert out["anthropic_version"] == "v"
    assert report.entries == []
    assert request_path(profile, stream=False) == "/models/claude-x@1:rawPredict"
    assert request_path(profile, stream=True) == "/models/claude-x@1:streamRawPredict"
