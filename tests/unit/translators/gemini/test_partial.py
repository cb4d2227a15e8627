"""Arguments that come in pieces."""

import orjson
import pytest

from translators.faults import ProtocolFault
from translators.gemini import partial
from translators.gemini.partial import Assembly, WirePartial


def put(*pieces):
    assembly = Assembly()
    for path, fields in pieces:
        assembly.add(WirePartial(path, **fields))
    return assembly


def text(value, more=False):
    return {"string_value": value, "will_continue": more}


def test_the_pieces_of_a_text_make_one():
    made = put(("$.id", text("A", more=True)), ("$.id", text("B", more=True)), ("$.id", text("")))
    assert made.whole() == '{"id":"AB"}'


def test_values_of_every_kind_find_their_places():
    made = put(
        ("$.rows[0].name", text("x")),
        ("$.rows[0].n", {"number_value": 1.5}),
        ("$.rows[1]", {"bool_value": True}),
        ("$['a b'][\"c\"]", {}),
        ("$.rows[1]", {"number_value": 2}),
    )
    assert orjson.loads(made.whole()) == {"rows": [{"name": "x", "n": 1.5}, 2], "a b": {"c": None}}


def test_a_text_ends_where_another_place_begins():
    assert orjson.loads(put(("$.a", text("x", more=True)), ("$.b", text("y", more=True))).whole()) == {
        "a": "x",
        "b": "y",
    }


def test_a_call_that_was_cut_is_not_taken_for_whole():
    made = put(("$.rows[0].name", text("half a na", more=True)))
    assert made.cut() == '{"rows":[{"name":"half a na'


@pytest.mark.parametrize("path", ["", "$", "$.a[3]", "$.a.b", "$[0]", "$..a", "$" + ".a" * (partial.DEPTH + 1)])
def test_an_impossible_place_is_a_fault(path):
    with pytest.raises(ProtocolFault):
        put(("$.a", {"number_value": 1}), (path, text("x"))).whole()


def test_there_is_an_end_to_pieces(monkeypatch):
    monkeypatch.setattr(partial, "PIECES", 2)
    with pytest.raises(ProtocolFault):
        put(*[("$.a", text("x", more=True))] * 3)
