"""Functions, Google's own tools, and the choice among them."""

import pytest

from translators.ir import Tool, ToolChoice

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
LOOK, FIND = Tool("look", "Looks.", SCHEMA), Tool("find")


def config(body):
    return body.get("toolConfig", {}).get("functionCallingConfig")


def test_functions_are_declared_with_json_schema(render):
    body, report = render(tools=(LOOK, FIND))
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {"name": "look", "description": "Looks.", "parametersJsonSchema": SCHEMA},
                {"name": "find"},
            ]
        }
    ]
    assert "toolConfig" not in body
    assert report == {}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", ("look",)), {"mode": "ANY", "allowedFunctionNames": ["look"]}),
        (
            ToolChoice("allowed", ("look", "find"), required=True),
            {"mode": "ANY", "allowedFunctionNames": ["look", "find"]},
        ),
        (ToolChoice("allowed", ("look",)), {"mode": "VALIDATED", "allowedFunctionNames": ["look"]}),
    ],
)
def test_every_choice_has_its_mode(render, choice, said):
    body, report = render(tools=(LOOK, FIND), tool_choice=choice)
    assert (config(body), report) == (said, {})


def test_a_model_that_refuses_force_is_skipped(render, target):
    profile = target(forced_tool_choice=False)
    body, report = render(tools=(LOOK,), tool_choice=ToolChoice("required"), profile=profile)
    assert config(body) == {"mode": "VALIDATED"}
    assert report == {"tool_choice": "refused"}


def test_strict_is_a_mode_of_the_whole_request(render):
    strict = Tool("look", None, SCHEMA, strict=True)
    assert config(render(tools=(strict,))[0]) == {"mode": "VALIDATED"}
    body, report = render(tools=(strict, FIND), tool_choice=ToolChoice("auto"))
    assert config(body) == {"mode": "VALIDATED"}
    assert report == {"tools[1].function.strict": "approximated"}


def test_a_free_text_tool_is_a_function_of_one_string(render):
    tool = Tool("write", custom_format={"type": "grammar", "grammar": {}})
    body, report = render(tools=(tool,))
    [function] = body["tools"][0]["functionDeclarations"]
    assert function["parametersJsonSchema"]["properties"] == {"input": {"type": "string"}}
    assert report == {"tools[0].custom.format": "refused", "tools[0].custom": "approximated"}


def test_what_a_tool_loses_is_told(render):
    odd = Tool(
        "odd", None, {"type": "object", "minProperties": 1}, cache={}, extra={"defer": True, "behavior": "BLOCKING"}
    )
    body, report = render(tools=(odd, odd), parallel_tool_calls=False)
    assert body["tools"][0]["functionDeclarations"][0]["behavior"] == "BLOCKING"
    assert report == {
        "tools[0].cache_control": "dropped",
        "tools[0].function.parameters": "approximated",
        "tools[0].defer": "dropped",
        "tools[1]": "dropped",
        "parallel_tool_calls": "dropped",
    }


def test_a_schema_that_is_too_large_is_refused(render):
    deep = {"type": "object"}
    for _ in range(70):
        deep = {"properties": {"a": deep}}
    body, report = render(tools=(Tool("f", None, deep),))
    assert body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == {"type": "object"}
    assert report == {"tools[0].function.parameters": "refused"}


def test_a_choice_among_nothing_is_dropped(render):
    assert render(tool_choice=ToolChoice("required"))[1] == {"tool_choice": "dropped"}
    assert render(tool_choice=ToolChoice("auto")) == ({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}, {})


def test_a_model_without_tools_is_skipped(render, target):
    body, report = render(tools=(LOOK,), web_search={}, profile=target(tools=False))
    assert "tools" not in body
    assert report == {"tools": "refused"}


def test_a_web_search_is_googles(render):
    body, report = render(web_search={"search_context_size": "low"})
    assert body["tools"] == [{"googleSearch": {}}]
    assert report == {"web_search_options": "approximated"}
    assert render(web_search={})[1] == {}


def test_googles_tools_stand_beside_functions_where_the_model_lets_them(render, target):
    body, report = render(tools=(LOOK,), web_search={})
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    assert report == {}
    vertex = target(rejects=frozenset({"includeServerSideToolInvocations"}))
    assert "toolConfig" not in render(tools=(LOOK,), web_search={}, profile=vertex)[0]
    body, report = render(tools=(LOOK,), web_search={}, profile=target(tools_combine=False))
    assert len(body["tools"]) == 1
    assert report == {"web_search_options": "refused"}


def test_tools_google_runs_pass_and_other_vendors_are_refused(render):
    run = {"tools[0]": {"urlContext": {}}, "tools[1]": {"type": "bash_20250124"}}
    extra = {"tools": run, "toolConfig": {"retrievalConfig": {}}}
    body, report = render(extra=extra)
    assert (body["tools"], body["toolConfig"]) == ([{"urlContext": {}}], {"retrievalConfig": {}})
    assert report == {"tools[1]": "refused"}


@pytest.mark.parametrize("name", ["7up", "a b", "x" * 129, ""])
def test_a_name_that_gemini_answers_with_a_400_skips_it(render, name):
    body, report = render(tools=(Tool(name), Tool("g")), tool_choice=ToolChoice("named", (name,)))
    assert [one["name"] for one in body["tools"][0]["functionDeclarations"]] == ["g"]
    assert "toolConfig" not in body
    assert report == {"tools[0].function.name": "refused"}
    assert render(tools=(Tool("_a.b:c-1"),))[1] == {}
