import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.ir import Foreign, Image, Message, Opaque, Reasoning, Refusal, Request, Text, ToolCall, ToolResult
from translators.profile import Origin
from translators.remember import (
    HELD_CAP,
    Called,
    Said,
    bare,
    loop_origin,
    origins,
    remembered,
    restored,
    spans,
)

SECRET = b"s" * 32
HOME = str(Origin("anthropic-messages", "aria", "sonnet-5"))
AWAY = str(Origin("gemini", "lyra", "g-3"))
QUESTION = Message("user", (Text("Rain?"),))


def signed(data="sig", origin=HOME, form="signature"):
    return Opaque(form, data, origin)


def text(said, opaque=None):
    return Message("assistant", (Text(said, opaque=opaque),))


def result(call):
    return ToolResult(call.id, (Text("yes"),))


CALL = ToolCall("call_1", "look", '{"place": "Turin", "n": 1}')
TURN = (Reasoning("Hm.", signed("s1")), text("Let me "), Reasoning("", signed("s2")), text("look."), CALL)


def echoed(items, **changes):
    """What a client that knows nothing of thinking makes of a turn: one text, then the calls."""
    said = "".join(part.text for item in items if isinstance(item, Message) for part in item.parts)
    calls = [ToolCall(i.id, i.name, i.arguments, i.custom) for i in items if isinstance(i, ToolCall)]
    messages = [text(changes.get("text", said))] if changes.get("text", said) else []
    return (*messages, *(changes.get("calls", calls)))


def request(*turns):
    items = [QUESTION]
    for turn in turns:
        items += [*turn, *(result(item) for item in turn if isinstance(item, ToolCall))]
    return Request(model="m", items=tuple(items))


def restore(asked, *kept, origin=HOME):
    found = spans(asked.items, SECRET)
    known = {one.key: one.turn for one in kept}
    turns = {at: known[span.key] for at, span in enumerate(found) if span.key in known}
    return restored(asked, turns, found, origin)


def keep(items, origin=HOME, *, plain=False):
    return remembered(items, SECRET, origin, plain=plain)


def test_a_turn_is_laid_out_again_as_it_was_said():
    asked = request(echoed(TURN))
    assert restore(asked, keep(TURN)).items == (QUESTION, *TURN, result(CALL))


def test_a_whole_part_of_its_maker_is_laid_out_again_in_its_place():
    search = Message("assistant", (Foreign("anthropic-messages", "server_tool_use", {"id": "s", "input": {"q": "é"}}),))
    turn = (text("Let me "), search, text("look."), CALL)
    together = (Message("assistant", (*turn[0].parts, *search.parts, *turn[2].parts)), CALL)
    for kept in (keep(turn), keep(together)):
        assert restore(request(echoed((turn[0], turn[2], CALL))), kept).items == (QUESTION, *turn, result(CALL))


def test_a_part_that_is_too_large_or_too_deep_does_not_cost_the_turn_its_thinking():
    deep = []
    for _ in range(300):
        deep = [deep]
    for value in ("x" * HELD_CAP, deep):
        turn = (TURN[0], Message("assistant", (Foreign("gemini", "inlineData", value),)), CALL)
        assert restore(request(echoed((CALL,))), keep(turn)).items[1:3] == (TURN[0], CALL)


def test_what_is_kept_holds_none_of_the_text_and_arguments():
    kept = keep(TURN)
    assert kept.turn.steps == (TURN[0], Said(7), TURN[2], Said(5), Called())
    assert "Turin" not in repr(kept)
    assert "look." not in repr(kept)


@pytest.mark.parametrize(
    "calls",
    [
        [ToolCall("call_1", "look", '{"n":1,"place":"Turin"}')],
        [ToolCall("call_1", "look", ' {"place" : "Turin","n":1.0 }')],
        [ToolCall("call_1", "look", '{"place": "\\u0054urin", "n": 1}')],
    ],
)
def test_spaces_order_and_escapes_of_arguments_do_not_matter(calls):
    assert restore(request(echoed(TURN, calls=calls)), keep(TURN)).items[1] == TURN[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "Let me look"},
        {"text": ""},
        {"calls": [ToolCall("call_2", "look", CALL.arguments)]},
        {"calls": [ToolCall("call_1", "peek", CALL.arguments)]},
        {"calls": [ToolCall("call_1", "look", '{"place": "Turin", "n": 2}')]},
        {"calls": [ToolCall("call_1", "look", CALL.arguments, custom=True)]},
        {"calls": [CALL, ToolCall("call_2", "look", "{}")]},
    ],
)
def test_any_other_change_finds_nothing(changes):
    asked = request(echoed(TURN, **changes))
    assert restore(asked, keep(TURN)) is asked


def test_numbers_are_the_same_in_lists_as_well():
    turn = (Reasoning("", signed()), ToolCall("c", "f", '{"a":[1.0,{"b":2e0}]}'))
    assert restore(request((ToolCall("c", "f", '{"a":[1,{"b":2}]}'),)), keep(turn)).items[1] == turn[0]


@pytest.mark.parametrize("arguments", ["not JSON", "\ud83d", "[" * 2000])
def test_arguments_that_are_no_json_must_come_back_as_they_were(arguments):
    turn = (Reasoning("", signed()), ToolCall("c", "f", arguments))
    assert restore(request(echoed(turn)), keep(turn)).items[1] == turn[0]


def test_another_secret_finds_nothing():
    found = spans(request(echoed(TURN)).items, b"t" * 32)
    assert found[0].key != keep(TURN).key


def test_a_turn_of_another_origin_stays_as_the_client_sent_it():
    asked = request(echoed(TURN))
    assert restore(asked, keep(TURN), origin=AWAY) is asked


def test_blobs_that_the_client_kept_itself_get_their_order_and_origin():
    unmarked = (Reasoning("Hm.", signed("s1", "")), Reasoning("", signed("s2", "")), *echoed(TURN))
    assert restore(request(unmarked), keep(TURN)).items[1:6] == TURN


def test_a_history_with_other_blobs_is_left_alone():
    asked = request((Reasoning("Hm.", signed("other", "")), *echoed(TURN)))
    assert restore(asked, keep(TURN)) is asked


def test_signatures_on_calls_and_texts_come_back_to_their_places():
    second = ToolCall("call_2", "look", "{}")
    turn = (
        text("a", signed("t")),
        text("b"),
        ToolCall("call_1", "look", "{}", opaque=signed("c")),
        second,
    )
    items = restore(request(echoed(turn)), keep(turn)).items
    assert items[1:5] == turn


def test_an_empty_signed_text_comes_back():
    turn = (ToolCall("call_1", "look", "{}"), text("", signed("t")))
    assert restore(request(echoed(turn)), keep(turn)).items[1:3] == turn


def test_text_cut_into_parts_keeps_its_markers():
    turn = (text("abcd", signed("t")), CALL)
    parts = (Text("ab", {"type": "ephemeral"}), Text("cd"))
    items = restore(request((Message("assistant", parts, name="n"), CALL)), keep(turn)).items
    assert items[1] == Message("assistant", (Text("abcd", {"type": "ephemeral"}, signed("t")),), name="n")


def test_nothing_is_kept_without_calls_without_blobs_or_with_a_refusal():
    assert keep(TURN[:-1]) is None
    assert keep((text("a"), CALL)) is None
    assert keep((*TURN, Message("assistant", (Refusal("no"),)))) is None


def test_reasoning_without_a_blob_is_kept_only_where_it_must_come_back():
    turn = (Reasoning("Hm."), CALL)
    assert keep(turn) is None
    assert keep(turn, plain=True).turn.steps == (Reasoning("Hm."), Called())


def test_an_id_that_came_again_is_found_under_its_own_name():
    first, again = ToolCall("call_0", "look", "{}"), ToolCall("call_0", "peek", "{}")
    kept = keep((Reasoning("", signed("s2")), again))
    asked = request((first,), (ToolCall("call_0_2", "peek", "{}"),))
    assert Reasoning("", signed("s2")) in restore(asked, kept).items


def test_each_of_several_turns_gets_its_own():
    turns = [(Reasoning(str(n), signed(f"s{n}")), ToolCall(f"c{n}", "look", "{}")) for n in range(3)]
    asked = request(*(echoed(turn) for turn in turns))
    assert restore(asked, *map(keep, turns)).items == request(*turns).items


def test_bare_leaves_out_everything_bound_and_nothing_else():
    turn = (Reasoning("kept"), Reasoning("x", signed()), text("t", signed()), ToolCall("c", "f", "{}", opaque=signed()))
    left = bare(request((*turn, text("", signed())))).items[1:-1]
    assert left == (Reasoning("kept"), text("t"), ToolCall("c", "f", "{}"))


def test_a_live_loop_is_bound_to_what_is_kept_of_its_last_turn_or_marked_in_it():
    asked = request(echoed(TURN))
    found = spans(asked.items, SECRET)
    assert loop_origin(asked.items, {0: keep(TURN).turn}, found) == HOME
    assert loop_origin(asked.items, {}, found) == ""
    marked = request(TURN)
    assert loop_origin(marked.items, {}, spans(marked.items, SECRET)) == HOME
    assert loop_origin((*marked.items, QUESTION), {}, spans(marked.items, SECRET)) == ""


words = st.text(max_size=6)
opaques = st.none() | st.builds(signed, words.filter(bool))
steps = st.one_of(
    st.builds(Reasoning, words, opaques),
    st.builds(text, words, opaques).filter(lambda item: item.parts[0].text or item.parts[0].opaque),
)


@st.composite
def turns(draw):
    called = draw(
        st.lists(st.builds(ToolCall, words.filter(bool), words, words, opaque=opaques), min_size=1, max_size=3)
    )
    return (*draw(st.lists(steps, max_size=5)), *called, *draw(st.lists(steps, max_size=2)))


def merged(items):
    """Texts in a row are one, as their boundary is not said anywhere; but a signature ends its text."""
    out = []
    for item in items:
        last = out[-1] if out else None
        if isinstance(item, Message) and isinstance(last, Message) and last.parts[0].opaque is None:
            part = item.parts[0]
            out[-1] = text(last.parts[0].text + part.text, part.opaque)
        else:
            out.append(item)
    return tuple(out)


@given(turns())
@settings(max_examples=60)
def test_whatever_a_turn_was_it_comes_back_from_its_echo(turn):
    kept = keep(turn)
    asked = Request(model="m", items=(QUESTION, *echoed(turn), ToolResult("r", ())))
    if kept is None:
        assert not any(item.opaque for item in turn if isinstance(item, Reasoning | ToolCall))
    else:
        assert restore(asked, kept).items[1:-1] == merged(turn)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | words,
        lambda inner: st.dictionaries(words, inner, max_size=4),
        max_leaves=12,
    )
)
@settings(max_examples=60)
def test_the_same_arguments_are_found_however_they_are_written(value):
    written = ToolCall("c", "f", orjson.dumps({"v": value}).decode())
    again = ToolCall("c", "f", orjson.dumps({"v": value}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
    turn = (Reasoning("", signed()), written)
    assert restore(request((again,)), keep(turn)).items[1] == turn[0]


def test_items_laid_out_anew_have_the_places_of_what_they_were_made_of():
    [kept] = [remembered(TURN, SECRET, HOME, plain=False)]
    plain = request(echoed(TURN), (text("Rainy."),))
    relaid = restore(plain, kept)
    kinds = [type(item).__name__ for item in relaid.items]
    assert kinds == ["Message", "Reasoning", "Message", "Reasoning", "Message", "ToolCall", "ToolResult", "Message"]
    assert origins(plain.items, relaid.items) == [0, 1, 1, 1, 1, 2, 3, 4]
    assert origins(plain.items, plain.items) == [0, 1, 2, 3, 4]


def test_what_stands_at_the_very_end_has_the_last_place():
    assert origins((QUESTION,), (QUESTION, text("a"))) == [0, 0]


PICTURE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thoughtSignature": "s9"}
DRAWN = Foreign("gemini", "inlineData", PICTURE, Image(data="iVBORw0KGgo=", media_type="image/png"))
SHOWN = Foreign("openai-chat", "images", {"index": 0}, Image(data="iVBORw0KGgo=", media_type="image/png"))
DRAWING = (Reasoning("Hm.", signed("s1")), text("Look: "), Message("assistant", (DRAWN,)), text("so."), CALL)


def test_a_turn_with_a_picture_that_the_client_brings_back_is_laid_out_as_it_was_said():
    """The picture comes once, as its maker gave it, with the signature that rides on it."""
    asked = request((Message("assistant", (Text("Look: so."), SHOWN)), CALL))
    [_, *laid, _] = restore(asked, keep(DRAWING)).items
    assert [item for item in laid if item != laid[2]] == [item for item in DRAWING if item != DRAWING[2]]
    assert laid[2].parts[0].value == PICTURE


def test_a_picture_that_was_too_large_to_be_kept_stands_before_the_calls():
    large = Image(data="A" * HELD_CAP, media_type="image/png")
    drawn, shown = (
        Foreign("gemini", "inlineData", {"data": large.data}, large),
        Foreign("openai-chat", "images", {}, large),
    )
    turn = (Reasoning("Hm.", signed("s1")), Message("assistant", (Text("Look."), drawn)), CALL)
    asked = request((Message("assistant", (Text("Look."), shown)), CALL))
    laid = restore(asked, keep(turn)).items[1:-1]
    assert laid == (turn[0], text("Look."), Message("assistant", (shown,)), CALL)


def test_a_turn_to_which_a_client_added_what_nobody_said_is_left_as_it_is():
    asked = request((Message("assistant", (Text("Let me look."), Refusal("no"))), CALL))
    assert restore(asked, keep(TURN)) is asked
