"""Where and how a request is sent, and what a relayed one keeps."""

import copy

import pytest

from translators import gemini
from translators.ir import Tool, ToolChoice


def test_the_model_and_the_stream_stand_in_the_address(render, target):
    body, _ = render(stream=True, include_usage=True)
    assert body.keys() == {"contents"}
    profile = target(model="gemini-2.5-pro")
    assert gemini.request_path(profile, stream=False) == "/models/gemini-2.5-pro:generateContent"
    assert gemini.request_path(profile, stream=True) == "/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
    own = target(model="a b", paths={"chat": "/m/{model}:x"})
    assert gemini.request_path(own, stream=False) == "/m/a%20b:x"


def test_the_key_has_a_header_of_its_own_or_is_a_token(target):
    assert gemini.request_headers("k", target(), {}) == [("x-goog-api-key", "k")]
    assert gemini.request_headers("k", target(key_header="authorization"), {}) == [("authorization", "Bearer k")]
    assert gemini.request_headers("", target(), {}) == []


@pytest.mark.parametrize(("wanted", "streamed"), [(None, False), (False, False), (True, True)])
def test_only_the_profile_asks_for_a_stream(target, wanted, streamed):
    body = {"contents": []}
    assert gemini.as_stream(body, target(upstream_stream=wanted)) == (body if streamed else None)


def test_a_relayed_body_is_the_same_without_what_the_edge_added(target):
    body = {"model": "m", "stream": True, "contents": [{"parts": [{"text": "a"}]}], "novel": {"a": 1}}
    before = copy.deepcopy(body)
    out, report = gemini.relay_request(body, target(), 100)
    assert body == before
    assert out == {"contents": body["contents"], "novel": {"a": 1}, "generationConfig": {"maxOutputTokens": 100}}
    assert report.entries == []


def test_a_relayed_bound_stays_and_what_the_model_rejects_goes(target):
    body = {"contents": [], "generationConfig": {"maxOutputTokens": 5, "seed": 1}}
    out, report = gemini.relay_request(body, target(rejects=frozenset({"seed"})), 100)
    assert out["generationConfig"] == {"maxOutputTokens": 5}
    assert [entry.field for entry in report.entries] == ["generationConfig.seed"]
    assert body["generationConfig"]["seed"] == 1


def test_a_relayed_body_in_snake_case_gets_no_second_field_of_a_name(target):
    body = {"contents": [], "generation_config": {"max_output_tokens": 5, "top_k": 1}, "system_instruction": {}}
    out, report = gemini.relay_request(body, target(rejects=frozenset({"topK"})), 100)
    assert out == {"contents": [], "generationConfig": {"maxOutputTokens": 5}, "systemInstruction": {}}
    assert [entry.field for entry in report.entries] == ["generationConfig.topK"]


def test_everything_at_once_makes_one_body(render):
    tool = Tool("f", None, {"type": "object"})
    body, _ = render(tools=(tool,), tool_choice=ToolChoice("auto"), max_output=3, extra={"safetySettings": []})
    assert body.keys() == {"contents", "tools", "toolConfig", "generationConfig", "safetySettings"}
