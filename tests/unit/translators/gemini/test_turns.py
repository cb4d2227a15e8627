"""The conversation as Gemini wants it."""

import pytest

from translators.gemini.turns import EMPTY, GO_ON, NO_RESULT, OPENING
from translators.gemini.wire import SKIP_SIGNATURE
from translators.ir import Foreign, Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult

PNG = Image(data="iVBORw0=", media_type="image/png")


def call(name="look", call_id="call_1", arguments="{}", **fields):
    return ToolCall(call_id, name, arguments, **fields)


def result(text="done", call_id="call_1", *more, **fields):
    return ToolResult(call_id, (Text(text), *more), **fields)


def said(body):
    return [(one["role"], one["parts"]) for one in body["contents"]]


def test_leading_system_messages_are_the_instruction(render, user, system):
    body, report = render(system("A"), Message("developer", (Text("B"),)), user("Hi"))
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert said(body) == [("user", [{"text": "Hi"}])]
    assert report == {}


def test_a_later_system_message_is_user_text(render, user, assistant, system):
    body, report = render(user(), assistant(), system("Now."), user("Go"))
    assert said(body)[-1] == ("user", [{"text": "<system>\nNow.\n</system>"}, {"text": "Go"}])
    assert report == {"items[2].role": "approximated"}


def test_turns_of_one_role_are_one_content(render, user, assistant):
    body, _ = render(user("a"), user("b"), assistant("c"), assistant("d"), user("e"))
    assert [len(parts) for _, parts in said(body)] == [2, 2, 1]


@pytest.mark.parametrize("lead", [[], ["system"]])
def test_contents_are_never_empty_and_begin_with_the_user(render, system, assistant, lead):
    body, report = render(*[system() for _ in lead], assistant("Hello"))
    assert said(body)[0] == ("user", [{"text": OPENING}])
    assert report["messages"] == "approximated"
    body, _ = render(system())
    assert said(body) == [("user", [{"text": OPENING}])]


def test_results_of_parallel_calls_stand_together_in_call_order_1(render, user):
    ids = [f"call_{n}" for n in range(5)]
    calls = [call(f"f{n}", one) for n, one in enumerate(ids)]
    body, report = render(user(), *calls, *[result(one, one) for one in reversed(ids)], user("And?"))
    _, model, answered = said(body)
    assert [part["functionCall"]["name"] for part in model[1]] == ["f0", "f1", "f2", "f3", "f4"]
    assert answered[1][:5] == [
        {"functionResponse": {"name": f"f{n}", "response": {"output": one}}} for n, one in enumerate(ids)
    ]
    assert answered[1][5:] == [{"text": "And?"}]
    assert report == {}


def test_only_geminis_own_ids_go_back(render, user):
    body, _ = render(
        user(), call("f", "gjl2yj5t"), call("g", "gcall_x_0_1"), result("a", "gjl2yj5t"), result("b", "gcall_x_0_1")
    )
    _, (_, calls), (_, results) = said(body)
    assert [part["functionCall"].get("id") for part in calls] == ["gjl2yj5t", None]
    assert [part["functionResponse"].get("id") for part in results] == ["gjl2yj5t", None]


def test_a_call_without_a_result_is_answered_with_an_error_2(render, user):
    body, report = render(user(), call(), user("Never mind."))
    assert said(body)[2][1] == [
        {"functionResponse": {"name": "look", "response": {"error": NO_RESULT}}},
        {"text": "Never mind."},
    ]
    assert report == {"items[1]": "approximated"}
    body, _ = render(user(), call())
    assert said(body)[-1][0] == "user"


@pytest.mark.parametrize("call_id", ["nobody", "call_1"])
def test_a_result_without_a_call_is_refused(render, user, call_id):
    body, report = render(user(), call(), result(), result("x", call_id))
    assert report == {"items[3]": "refused"}
    assert len(said(body)[-1][1]) == 1


@pytest.mark.parametrize(
    ("item", "response"),
    [
        (result('{"a": [1]}'), {"a": [1]}),
        (result('{"output": "x"}'), {"output": '{"output": "x"}'}),
        (result("[1]"), {"output": "[1]"}),
        (result("{half"), {"output": "{half"}),
        (result(""), {"output": ""}),
        (result("went wrong", is_error=True), {"error": "went wrong"}),
    ],
)
def test_a_result_is_an_object(render, user, item, response):
    body, report = render(user(), call(), item)
    assert said(body)[-1][1] == [{"functionResponse": {"name": "look", "response": response}}]
    assert report == {}


def test_pictures_of_results_do_not_split_them_3_4(render, user, target):
    items = [user(), call("f", "a"), call("g", "b"), result("x", "a", PNG), result("y", "b")]
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}}
    body, report = render(*items)
    first = said(body)[-1][1][0]
    assert first["functionResponse"]["parts"] == [picture]
    assert report == {}
    body, report = render(*items, profile=target(result_media=False))
    assert ["functionResponse" in part for part in said(body)[-1][1]] == [True, True, False]
    assert report == {"items[3]": "approximated"}


def test_a_tool_loop_is_signed_where_the_model_demands_it_20(render, user, target):
    items = [
        user(),
        call("f", "a"),
        call("g", "b"),
        result("x", "a"),
        result("y", "b"),
        call("h", "c"),
        result("z", "c"),
    ]
    body, _ = render(*items)
    marks = [part.get("thoughtSignature") for _, parts in said(body) for part in parts if "functionCall" in part]
    assert marks == [SKIP_SIGNATURE, None, SKIP_SIGNATURE]
    body, _ = render(*items, profile=target(call_signatures=False))
    assert not any("thoughtSignature" in part for _, parts in said(body) for part in parts)


def test_a_models_own_signatures_go_back_in_their_places_17_19(render, user, own):
    signed = Message("assistant", (Text("a"), Text("b", opaque=own), Text("", opaque=own)))
    items = [
        user(),
        Reasoning("Hm.", own),
        signed,
        call(opaque=own),
        result(),
        call("g", "c", opaque=own),
        result("x", "c"),
    ]
    body, report = render(*items)
    assert said(body)[1][1] == [
        {"text": "Hm.", "thought": True, "thoughtSignature": own.data},
        {"text": "a"},
        {"text": "b", "thoughtSignature": own.data},
        {"text": "", "thoughtSignature": own.data},
        {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": own.data},
    ]
    assert said(body)[3][1][0]["thoughtSignature"] == own.data
    assert report == {}


@pytest.mark.parametrize("origin", ["", "gemini|other|gemini-test|"])
def test_signatures_of_others_stay_here_and_that_is_told(render, user, origin):
    blob = Opaque("signature", "x", origin)
    signed = Message("assistant", (Text("a", opaque=blob),))
    body, report = render(user(), Reasoning("Hm.", blob), signed, call(opaque=blob), result())
    assert said(body)[1][1] == [
        {"text": "a"},
        {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": SKIP_SIGNATURE},
    ]
    assert report == {"items[1]": "dropped"}


@pytest.mark.parametrize(
    ("arguments", "verdict"), [("[1]", "approximated"), ("nonsense", "refused"), ("", None), ('{"a":1}', None)]
)
def test_arguments_that_are_no_object_are_told(render, user, arguments, verdict):
    _, report = render(user(), call(arguments=arguments), result())
    assert report.get("items[1].arguments") == verdict


def test_a_part_of_a_result_that_is_no_text_is_not_lost(render, user):
    video = {"inlineData": {"mimeType": "video/mp4", "data": "QQ=="}}
    other = Foreign("anthropic-messages", "search_result", {"type": "search_result"})
    given = ToolResult("c", (Text("x"), Foreign("gemini", "inlineData", video), other))
    body, report = render(user(), ToolCall("c", "look", "{}"), given)
    response = said(body)[-1][1][0]["functionResponse"]
    assert (response["response"], response["parts"]) == ({"output": "x"}, [video])
    assert report == {"items[2].parts[2]": "refused"}


def test_a_free_text_call_is_wrapped(render, user):
    body, _ = render(user(), call(arguments="x\ny", custom=True), result())
    assert said(body)[1][1][0]["functionCall"]["args"] == {"input": "x\ny"}


def test_what_is_left_empty_gets_a_placeholder_or_vanishes(render, user, assistant):
    body, report = render(user(""), assistant(""), user("b"))
    assert said(body) == [("user", [{"text": EMPTY}, {"text": "b"}])]
    assert set(report.values()) == {"approximated"}


def test_a_prefill_goes_where_the_model_takes_it(render, user, assistant, target):
    body, report = render(user(), assistant("So"))
    assert (said(body)[-1][0], report) == ("model", {})
    body, report = render(user(), assistant("So"), profile=target(prefill=False))
    assert said(body)[-1] == ("user", [{"text": GO_ON}])
    assert report == {"items[1]": "refused"}


def test_a_name_is_a_prefix(render, user):
    body, report = render(user("Hi", name="Ann"))
    assert said(body)[0][1] == [{"text": "Ann: Hi"}]
    assert report == {"items[0].name": "approximated"}


def test_a_system_message_is_text(render, user):
    body, report = render(Message("system", (Text("a"), PNG)), user())
    assert body["systemInstruction"] == {"parts": [{"text": "a"}]}
    assert report == {"items[0]": "refused"}


def test_markers_are_told_once(render, user):
    marked = Message("user", (Text("a", cache={"type": "ephemeral"}), Text("b", cache={"type": "ephemeral"})))
    _, report = render(marked, call(cache={"type": "ephemeral"}), result(cache={"type": "ephemeral"}))
    assert report == {"items[0].parts[0].cache_control": "dropped"}


def test_googles_own_parts_go_back_and_others_are_refused(render, user, own):
    mark = {"partMetadata": {"sidestep_origin": own.origin}}
    code = {"executableCode": {"code": "1"}, "thoughtSignature": "s"}
    ours, theirs = Foreign("gemini", "executableCode", {**code, **mark}), Foreign("gemini", "executableCode", code)
    body, report = render(user(), Message("assistant", (ours, theirs, Foreign("x", "y", {}))), user())
    assert said(body)[1][1] == [code, {"executableCode": {"code": "1"}}]
    assert report == {"items[1].opaque": "dropped", "items[1].parts[2]": "refused"}


def test_a_phase_has_no_place_here_and_that_is_told(render, user):
    _, report = render(user(), Message("assistant", (Text("a"),), phase="commentary"), user())
    assert report == {"items[1].phase": "dropped"}
