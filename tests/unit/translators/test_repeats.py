import orjson
import pytest

from translators.repeats import SIZE_CAP, TRIES, Repeats


def _read(data: bytes) -> str:
    """The words of `{"id":...,"say":...}`."""
    return orjson.loads(data).get("say")


def _learned(data: bytes, text: str) -> Repeats:
    repeats = Repeats()
    repeats.learn(data, text, _read)
    return repeats


def test_words_of_an_event_that_is_like_the_one_before_are_read_without_decoding_it():
    repeats = _learned(b'{"id":"a","say":"one","last":null}', "one")

    assert repeats.words('{"id":"a","say":" zw\u00f6lf","last":null}'.encode()) == " zw\u00f6lf"


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"b","say":"two","last":null}',
        b'{"id":"a","say":"two","last":true}',
        b'{"id":"a","say":"two","more":1,"last":null}',
        b'{"id":"a","say":"","last":null}',
        b'{"id":"a","say":"two","say":"three","last":null}',
        b'{"id":"a","say":"say \\"two\\"","last":null}',
        b'{"id":"a","say":"two\\n","last":null}',
        b'{"id":"a","say":"two\n","last":null}',
        b'{"id":"a","say":"\xff","last":null}',
        b'{"id":"a","say":"\xed\xa0\x80","last":null}',
        b'{"id":"a","say":"',
        b"",
    ],
)
def test_whatever_else_differs_is_left_to_the_decoder(data: bytes):
    repeats = _learned(b'{"id":"a","say":"one","last":null}', "one")

    assert repeats.words(data) == ""


def test_what_begins_and_ends_alike_in_the_same_bytes_is_not_alike():
    repeats = _learned(b'{"say":"a"}', "a")

    assert repeats.words(b'{"say":"}') == ""


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":"one","say":"one"}',
        b'{"one":"one","say":"o\\u006ee"}',
        b'{"say":"no","say":"one","id":"one","say":"o\\u006ee"}',
        b'{"one":1,"say":"\\u006fne"}',
        b'{"say":"sidestep probe","one":2}',
    ],
)
def test_a_place_that_only_looks_like_that_of_the_words_is_not_learned(data: bytes):
    repeats = _learned(data, _read(data))

    assert repeats.words(data.replace(b'"one"', b'"two"', 1)) == ""


def test_a_stream_whose_events_all_differ_is_not_learned_for_ever():
    repeats = Repeats()
    for number in range(TRIES):
        repeats.learn(b'{"id":%d,"say":"one"}' % number, "one", _read)
    repeats.learn(b'{"id":"a","say":"one"}', "one", _read)

    assert not repeats.tries
    assert repeats.words(b'{"id":"a","say":"two"}') == ""
    assert repeats.words(b'{"id":%d,"say":"two"}' % (TRIES - 1)) == "two"


def test_an_event_that_is_long_is_not_kept():
    data = b'{"id":"%b","say":"one"}' % (b"x" * SIZE_CAP)

    assert _learned(data, "one").words(data) == ""


def test_what_was_forgotten_is_not_alike():
    repeats = _learned(b'{"say":"one"}', "one")
    repeats.forget()

    assert repeats.words(b'{"say":"two"}') == ""


@pytest.mark.parametrize("padding", [b"", b"x", b"Qup1BsQ3"])
@pytest.mark.parametrize("end", [b"}", b',"object":"chunk"}'])
@pytest.mark.parametrize("first", [b"", b"kEEr7KRKL2XZg0"])
def test_padding_may_differ(first: bytes, padding: bytes, end: bytes):
    repeats = _learned(b'{"say":"one","last":null,"obfuscation":"%b"%b' % (first, end), "one")

    assert repeats.words(b'{"say":"two","last":null,"obfuscation":"%b"%b' % (padding, end)) == "two"


@pytest.mark.parametrize(
    "data",
    [
        b'{"say":"two","obfuscation":"a-b"}',
        b'{"say":"two","obfuscation":"\\u0041"}',
        b'{"say":"two","obfuscation":"a","say":"three"}',
        b'{"say":"two","say":"three","obfuscation":"a"}',
        b'{"say":"two","obfuscation":"\xff"}',
        b'{"say":"two","obfuscation":1}',
        b'{"say":"two"}',
        b'{"say":"two","obfuscation":"a","obfuscation":"b"}',
    ],
)
def test_padding_of_another_form_is_left_to_the_decoder(data: bytes):
    repeats = _learned(b'{"say":"one","obfuscation":"Ab9"}', "one")

    assert repeats.words(b'{"say":"two","obfuscation":"Z"}') == "two"
    assert repeats.words(data) == ""


def test_padding_that_is_not_letters_and_digits_is_no_padding():
    data = b'{"say":"one","obfuscation":"a-b"}'
    repeats = _learned(data, "one")

    assert repeats.words(data.replace(b"one", b"two")) == "two"
    assert repeats.words(data.replace(b"a-b", b"ab")) == ""


def test_what_was_learned_of_another_holds_no_more_once_a_third_event_cannot_be_learned():
    repeats = Repeats()
    repeats.learn(b'{"index":0,"say":"one"}', "one", _read, "first")
    assert repeats.words(b'{"index":0,"say":"two"}') == "two"
    repeats.learn(b'{"index":1,"say":"\\n"}', "\n", _read, "second")

    assert repeats.words(b'{"index":0,"say":"two"}') == ""


def test_nothing_is_tried_before_another_event_comes():
    tried = []
    repeats = Repeats()
    repeats.learn(b'{"say":"one"}', "one", lambda data: tried.append(data) or _read(data))

    assert tried == []
    assert repeats.words(b'{"say":"two"}') == "two"
    assert len(tried) == 1
