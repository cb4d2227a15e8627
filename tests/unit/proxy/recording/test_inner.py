"""JSON within a literal is blanked so that it stays JSON, however it is cut."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.recording.inner import Inner
from proxy.recording.masking import filler

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**50), 2**50)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def literal(value):
    """A JSON text as it stands in a JSON literal."""
    return orjson.dumps(orjson.dumps(value).decode())[1:-1]


def read(text):
    return orjson.loads(orjson.loads(b'"' + text + b'"'))


def shape(value):
    """What blanking leaves of a value."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return value if value is None or isinstance(value, bool) else type(value) if isinstance(value, str) else "number"


def test_names_and_words_stay_and_texts_and_numbers_do_not():
    told = literal({"city": "Paris 7", "on": True, "off": None, "deep": [{"n": -1.5e7}]})
    assert Inner(filler).fed(told) == (
        rb"{\"city\":\"nnnnn 1\",\"on\":true,\"off\":null,\"deep\":[{\"n\":-11111111.1}]}"
    )


def test_a_word_that_is_none_of_json_is_blanked():
    assert Inner(filler).fed(b"secret true") == b"nnnnnn true"


@settings(max_examples=50)
@given(VALUES)
def test_it_stays_json_of_the_same_shape_and_length(value):
    told = literal(value)
    blanked = Inner(filler).fed(told)
    assert len(blanked) == len(told)
    assert shape(read(blanked)) == shape(value)


@settings(max_examples=50)
@given(VALUES, st.data())
def test_the_pieces_of_a_stream_are_blanked_as_the_whole_is(value, data):
    """Cut between characters, for each piece is a literal of its own."""
    text = orjson.dumps(value).decode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    inner = Inner(filler)
    assert b"".join(inner.fed(orjson.dumps(piece)[1:-1]) for piece in pieces) == Inner(filler).fed(literal(value))


@pytest.mark.parametrize("text", [b"}", b"]]", rb"\"", rb"\\\\u00", b"{]", b"\xff\xfe", b""])
def test_what_is_no_json_is_blanked_all_the_same(text):
    assert len(Inner(filler).fed(text)) == len(text)
