"""The body as a whole, what passes in the same dialect, and where it is sent."""

import pytest

from translators.anthropic_messages import as_stream, relay_request, render_request, request_headers, request_path
from translators.ir import Message, OutputFormat, Request, Text, Tool, ToolChoice

MARK = {"type": "ephemeral"}


def test_a_small_request_is_a_small_body(render, system, user):
    body, report = render(system(), user(), stream=True)
    assert body == {
        "model": "claude-test",
        "max_tokens": 100,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert report == {}


def test_the_request_itself_is_left_as_it_was(target, user):
    parameters = {"anyOf": [{"properties": {"a": {"minimum": 1}}}]}
    request = Request(
        model="m",
        items=(user(),),
        tools=(Tool("f", parameters=parameters, strict=True, cache=MARK),),
        output=OutputFormat("json_schema", {"type": "object", "oneOf": []}),
        extra={"output_config": {"task_budget": {}}, "thinking": {"type": "adaptive"}},
        effort="low",
    )
    before = repr(request)
    render_request(request, target())
    assert repr(request) == before


def test_effort_format_and_the_callers_own_output_config_share_one_field(render):
    form = OutputFormat("json_schema", {"type": "object", "properties": {}, "additionalProperties": False})
    body, _ = render(effort="low", output=form, extra={"output_config": {"task_budget": {"total": 1}}})
    assert set(body["output_config"]) == {"effort", "format", "task_budget"}


def test_cache_markers_over_anthropics_limit_go_from_the_front(render):
    texts = tuple(Text(str(i), MARK) for i in range(5))
    body, report = render(Message("system", (Text("s", MARK),)), Message("user", texts), tools=(Tool("t", cache=MARK),))
    blocks = [*body["tools"], *body["system"], *body["messages"][0]["content"]]
    assert ["cache_control" in block for block in blocks] == [False] * 3 + [True] * 4
    assert report == {"tools[0].cache_control": "dropped"}


def test_a_forced_choice_refused_leaves_a_body_the_model_takes(render, target):
    body, _ = render(tools=(Tool("f"),), tool_choice=ToolChoice("required"), profile=target(forced_tool_choice=False))
    assert body["tool_choice"] == {"type": "auto"}


# -- the same dialect --------------------------------------------------------------------------------------------


def test_a_body_of_this_dialect_passes_with_the_targets_model_and_a_missing_bound(target):
    body = {"model": "alias", "messages": [{"role": "user", "content": "x"}], "tomorrow": {"a": [1]}}
    copy, report = relay_request(body, target(), 500)
    assert copy == {**body, "model": "claude-test", "max_tokens": 500}
    assert copy["messages"] is body["messages"]
    assert body["model"] == "alias"
    assert report.entries == []


def test_a_bound_the_client_gave_stands(target):
    assert relay_request({"model": "a", "max_tokens": 3}, target(), 500)[0]["max_tokens"] == 3
    assert "max_tokens" not in relay_request({"model": "a"}, target(), None)[0]


# -- unary calls as streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "bound", "streams"),
    [
        (None, 21_333, False),
        (None, 21_334, True),
        (None, None, False),
        (True, 1, True),
        (False, 128_000, False),
    ],
)
def test_a_unary_call_that_may_last_long_is_streamed_unless_the_profile_knows_better(target, wanted, bound, streams):
    body = {"model": "m", "max_tokens": bound}
    out = as_stream(body, target(upstream_stream=wanted))
    assert out == ({**body, "stream": True} if streams else None)
    assert "stream" not in body


# -- where and how -----------------------------------------------------------------------------------------------


def test_the_path_is_below_a_base_url_that_ends_in_the_version(target):
    assert request_path(target(), stream=False) == request_path(target(), stream=True) == "/messages"


def test_the_version_is_the_one_that_takes_what_the_body_carries(target):
    assert dict(request_headers("k", target(), {})) == {"x-api-key": "k", "anthropic-version": "2026-10-21"}
    for name in ("temperature", "top_p", "top_k"):
        assert dict(request_headers("k", target(), {name: 1}))["anthropic-version"] == "2023-06-01"


def test_no_key_is_no_header(target):
    assert [name for name, _ in request_headers("", target(), {})] == ["anthropic-version"]
