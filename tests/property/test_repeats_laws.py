"""Events that are read by what they have in common with the one before say what they say when they are decoded."""

from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import translators.repeats
from translators.catalog import DIALECTS, codec
from translators.codec import Context
from translators.faults import ProtocolFault
from translators.ir import Ended, Event, Finish, Started, TextDelta, Usage, Used
from translators.sse import EventSplitter

WORDS = st.lists(
    st.sampled_from([" a", "b", "role", "index", "text", "\n", '"', "\\", "\u00e9", "\u2028", ""]), min_size=1
)
"""Names of fields among them, and what JSON escapes."""
PADDINGS = st.sampled_from(
    ["", "a", "Ab9", "zW3x0q", "content", "a-b", " ", "\u00e9", "\\u0041", '\\"', "\n", '","content":"x']
)
"""Those that OpenAI's are like, and others."""
PLACES = [
    b"}",
    b',"usage":null}',
    b',"object":"x","system_fingerprint":null}',
    b',"obfuscation":"a"}',
    b',"content":"x"}',
]
"""What may stand behind the padding."""


def _events(dialect, words, choices=()):
    """As a provider of this dialect streams them, each word an event, of the first choice where none is given."""
    writer = codec(dialect).writer(Context(id="a", created=1, model="m", include_usage=True))
    texts = [TextDelta(word, choice) for word, choice in zip_longest(words, choices, fillvalue=0)]
    ends = [Ended(Finish.STOP, choice) for choice in sorted({0, *choices})]
    deltas = [Started("a", "m"), *texts, Used(Usage(input=3, output=len(words))), *ends]
    return EventSplitter().feed(b"".join([*map(writer.feed, deltas), writer.close()]))


def _padded(event, padding, end):
    """The event with a member of padding behind its others."""
    data = event.data
    if not data.endswith(b"}"):
        return event
    return Event(b'%b,"obfuscation":"%b"%b' % (data[:-1], padding.encode(), end), event.name)


def _heard(dialect, profile, events):
    """All that a reader says, without counts that say what the ones before said; its fault at the end, if any."""
    reader = codec(dialect).reader(profile)
    deltas = []
    try:
        for event in events:
            deltas += [(delta, reader.done) for delta in reader.feed(event)]
        deltas += [(delta, reader.done) for delta in reader.close()]
    except ProtocolFault as fault:
        deltas.append((None, str(fault)))
    return _once(deltas)


def _once(deltas):
    """Without counts that repeat the last ones."""
    kept, counts = [], None
    for delta, done in deltas:
        if isinstance(delta, Used):
            if delta == counts:
                continue
            counts = delta
        kept.append((delta, done))
    return kept


def _decoded(dialect, profile, events):
    """The same of a reader that decodes every event."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translators.repeats, "TRIES", 0)
        return _heard(dialect, profile, events)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(words=WORDS)
def test_a_stream_of_words_is_read_as_if_each_event_were_decoded(dialect, words, profile):
    events = _events(dialect, words)

    assert _heard(dialect, profile, events) == _decoded(dialect, profile, events)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(words=WORDS, data=st.data())
def test_a_stream_of_several_choices_is_read_so_too(dialect, words, data, profile):
    events = _events(dialect, words, [data.draw(st.integers(0, 1)) for _ in words])

    assert _heard(dialect, profile, events) == _decoded(dialect, profile, events)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(words=WORDS, data=st.data())
def test_a_stream_of_padded_words_is_read_so_too(dialect, words, data, profile):
    end = data.draw(st.sampled_from(PLACES))
    events = [_padded(event, data.draw(PADDINGS), end) for event in _events(dialect, words)]

    assert _heard(dialect, profile, events) == _decoded(dialect, profile, events)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
def test_a_stream_whose_events_are_damaged_repeated_and_out_of_order_is_read_so_too(dialect, data, profile):
    events = _events(dialect, data.draw(WORDS))
    if data.draw(st.booleans()):
        events = [_padded(event, data.draw(PADDINGS), b"}") for event in events]
    moved = data.draw(st.lists(st.sampled_from(events), max_size=30))
    for _ in range(data.draw(st.integers(0, 3))):
        if moved:
            at = data.draw(st.integers(0, len(moved) - 1))
            raw = bytearray(moved[at].data)
            place = data.draw(st.integers(0, len(raw) - 1))
            raw[place : place + data.draw(st.integers(0, 2))] = data.draw(
                st.sampled_from([b"", b'"', b"\\", b"}", b"1"])
            )
            moved[at] = Event(bytes(raw), data.draw(st.sampled_from([moved[at].name, "error"])))
    events = [*events[:4], *moved, *events[4:]]

    assert _heard(dialect, profile, events) == _decoded(dialect, profile, events)
